// SPDX-License-Identifier: GPL-2.0

//! What C functions return.
//!
//! The kernel crate's functions of these names log a number that is no errno, and what formats the
//! message has panic paths.

use kernel::{
    error::from_err_ptr,
    prelude::*, //
};

/// `to_result()`: an error if `ret` is negative.
#[inline]
pub(crate) fn to_result(ret: c_int) -> Result {
    if ret < 0 {
        Err(from_errno(ret))
    } else {
        Ok(())
    }
}

/// `Error::from_errno()`: the error of the number `errno`, or `EINVAL` if there is none.
#[cold]
#[inline(never)]
pub(crate) fn from_errno(errno: c_int) -> Error {
    // CAST: As `ERR_PTR()` does it.
    match from_err_ptr(errno as isize as *mut c_void) {
        Err(error) => error,
        Ok(_) => EINVAL,
    }
}
