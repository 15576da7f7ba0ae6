// SPDX-License-Identifier: GPL-2.0

//! Conversion of C return values to errors.
//!
//! The functions of these names in the `kernel` crate log a number that is not an errno, and the
//! formatting code has panic paths.

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

/// `Error::from_errno()`: returns the error `errno`, or `EINVAL` if `errno` is not valid.
#[cold]
#[inline(never)]
pub(crate) fn from_errno(errno: c_int) -> Error {
    // CAST: As `ERR_PTR()` does it.
    match from_err_ptr(errno as isize as *mut c_void) {
        Err(error) => error,
        Ok(_) => EINVAL,
    }
}
