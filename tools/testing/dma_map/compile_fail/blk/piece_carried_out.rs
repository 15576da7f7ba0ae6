// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A piece stays in the walk: outside, its request may be unmapped.

use dma_map::blk::{
    Operations,
    Request, //
};
use kernel::prelude::*;

pub fn first<T: Operations>(request: Request<T>) -> Result {
    let (mapped, _piece) = request.map(|pieces| {
        let piece = pieces.next().ok_or(EINVAL)?;
        // pass: Ok(piece.address())
        Ok(piece)
    })?;
    drop(mapped);
    Ok(())
}
