// SPDX-License-Identifier: GPL-2.0

//! Checks that end a case with an error.
//!
//! A failing `assert!` of KUnit ends the thread where it stands: no destructor runs, and what was
//! locked stays locked. Cases of this module run in a driver's `probe`, with the device's lock
//! held, so they return an error, which KUnit then reports as the failure.

use kernel::{
    fmt,
    prelude::*, //
};

/// Prints why a check failed, in the form of KUnit's own messages.
#[cold]
#[inline(never)]
pub(crate) fn failed(file: &str, line: u32, why: fmt::Arguments<'_>) -> Error {
    pr_err!("    # check failed at {file}:{line}: {why}\n");
    EINVAL
}

/// Fails the case unless a condition holds.
macro_rules! check {
    ($cond:expr $(,)?) => {
        if !$cond {
            return Err($crate::check::failed(
                file!(),
                line!(),
                kernel::prelude::fmt!("{} does not hold", stringify!($cond)),
            ));
        }
    };
    ($cond:expr, $($why:tt)+) => {
        if !$cond {
            return Err($crate::check::failed(
                file!(),
                line!(),
                kernel::prelude::fmt!($($why)+),
            ));
        }
    };
}
pub(crate) use check;

/// Fails the case unless two values are equal.
macro_rules! check_eq {
    ($left:expr, $right:expr $(,)?) => {
        match (&$left, &$right) {
            (left, right) => $crate::check::check!(
                *left == *right,
                "{} is {:?}, not {:?}",
                stringify!($left),
                left,
                right
            ),
        }
    };
}
pub(crate) use check_eq;

/// Fails the case unless the result is a certain error.
macro_rules! check_err {
    ($result:expr, $err:expr $(,)?) => {
        match $result {
            Ok(_) => $crate::check::check!(false, "{} is Ok, not {:?}", stringify!($result), $err),
            Err(err) => $crate::check::check_eq!(Error::from(err), $err),
        }
    };
}
pub(crate) use check_err;
