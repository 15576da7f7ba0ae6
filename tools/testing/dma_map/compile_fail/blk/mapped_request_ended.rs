// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! A request that is mapped is not ended: its pages would go back to a file while the device writes them.

use dma_map::blk::{
    MappedRequest,
    Operations, //
};
use kernel::prelude::*;

pub fn give_up<T: Operations>(request: MappedRequest<T>) -> Result {
    // pass: request.unmap()?.end(Err(EIO));
    request.end(Err(EIO));
    Ok(())
}
