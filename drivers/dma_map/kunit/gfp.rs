// SPDX-License-Identifier: GPL-2.0

//! [`gfp`](dma_map::gfp): threads that start no I/O for memory.

use crate::{
    c::may_do_io,
    check::*,
    context::each_atomic, //
};
use dma_map::gfp::without_io;
use kernel::prelude::*;

#[kunit_tests(dma_map_gfp)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_does_no_io_within() -> Result {
        check!(may_do_io());
        let inner = without_io(|| {
            check!(!may_do_io());
            // It ends with the outer one.
            without_io(|| -> Result {
                check!(!may_do_io());
                Ok(())
            })?;
            check!(!may_do_io());
            Err::<(), Error>(EXDEV)
        });
        check_err!(inner, EXDEV);
        check!(may_do_io());
        Ok(())
    }

    #[test]
    fn it_may_be_anywhere() -> Result {
        each_atomic(&mut || {
            without_io(|| {
                check!(!may_do_io());
                Ok(())
            })
        })?;
        check!(may_do_io());
        Ok(())
    }
}
