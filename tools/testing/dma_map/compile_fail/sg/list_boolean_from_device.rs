// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A pair carries what both of its buffers may carry: a device writes no `bool`.

use dma_map::{
    DmaDevice,
    Engine,
    FromDevice,
    Gfp,
    SgMapping, //
};
use kernel::prelude::*;

// pass: pub type Header = KVec<u16>;
pub type Header = KVec<bool>;

pub fn map<E: Engine>(dma: DmaDevice<'_>, header: Header, data: VVec<u8>, engine: E) -> Result {
    let _mapping = SgMapping::map(dma, (header, data), FromDevice, engine, Gfp::Kernel)?;
    Ok(())
}
