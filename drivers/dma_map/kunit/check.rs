// SPDX-License-Identifier: GPL-2.0

//! Checks that end a case with an error.
//!
//! A failing `assert!` of KUnit ends the thread where it stands: no destructor runs, and what was
//! locked stays locked. Cases of this module run in a driver's `probe`, with the device's lock
//! held, so they return an error, which KUnit then reports as the failure.

//!
//! There are thousands of checks, so what a macro leaves at its place is little: the comparison, and
//! a call of one of the functions here, which all print in one way.

use dma_map::Busy;
use kernel::{
    fmt,
    prelude::*, //
};

/// Prints why a check failed, in the form of KUnit's own messages.
#[cold]
#[inline(never)]
pub(crate) fn failed(place: &str, why: fmt::Arguments<'_>) -> Error {
    pr_err!("    # check failed at {place}: {why}\n");
    EINVAL
}

/// What a [`check!`] without a reason of its own says.
#[cold]
#[inline(never)]
pub(crate) fn does_not_hold(place: &str, what: &str) -> Error {
    failed(place, fmt!("{what} does not hold"))
}

/// What [`check_eq!`] says.
#[cold]
#[inline(never)]
pub(crate) fn differs(
    place: &str,
    what: &str,
    left: &dyn fmt::Debug,
    right: &dyn fmt::Debug,
) -> Error {
    failed(place, fmt!("{what} is {left:?}, not {right:?}"))
}

/// What [`check_err!`] checks.
#[inline(never)]
pub(crate) fn is_err(place: &str, what: &str, found: Option<Error>, err: Error) -> Result {
    match found {
        Some(found) if found == err => Ok(()),
        Some(found) => Err(differs(place, what, &found, &err)),
        None => Err(failed(place, fmt!("{what} is Ok, not {err:?}"))),
    }
}

/// Returns what a busy device gave back.
pub(crate) fn refused<T, H>(result: Result<T, Busy<H>>) -> Result<H> {
    match result {
        Ok(_) => Err(failed(place!(), fmt!("a busy device gave its memory back"))),
        Err(Busy(handle)) => Ok(handle),
    }
}

/// Returns the error of a result, which ends here.
#[inline(never)]
pub(crate) fn error<T, E: Into<Error>>(result: Result<T, E>) -> Option<Error> {
    result.err().map(Into::into)
}

/// Where a macro was used.
macro_rules! place {
    () => {
        concat!(file!(), ":", line!())
    };
}
pub(crate) use place;

/// Fails the case unless a condition holds.
macro_rules! check {
    ($cond:expr $(,)?) => {
        if !$cond {
            return Err($crate::check::does_not_hold(
                $crate::check::place!(),
                stringify!($cond),
            ));
        }
    };
    ($cond:expr, $($why:tt)+) => {
        if !$cond {
            return Err($crate::check::failed(
                $crate::check::place!(),
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
            (left, right) => {
                if !(*left == *right) {
                    return Err($crate::check::differs(
                        $crate::check::place!(),
                        stringify!($left),
                        &left,
                        &right,
                    ));
                }
            }
        }
    };
}
pub(crate) use check_eq;

/// Fails the case unless the result is a certain error.
macro_rules! check_err {
    ($result:expr, $err:expr $(,)?) => {
        $crate::check::is_err(
            $crate::check::place!(),
            stringify!($result),
            $crate::check::error($result),
            $err,
        )?
    };
}
pub(crate) use check_err;
