// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! A pair with padding in one of its buffers does not cross.

use dma_map::{
    sg::BufferRange,
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

#[derive(IntoBytes)]
#[repr(C)]
pub struct Packed(pub u32, pub u32);

#[repr(C)]
pub struct Padded(pub u8, pub u32);

// pass: pub type Header = KVec<Packed>;
pub type Header = KVec<Padded>;

pub fn map<E: Engine>(dma: DmaDevice<'_>, header: Header, data: VVec<u8>, engine: E) -> Result {
    let both = (BufferRange::from(header), BufferRange::from(data));
    let _mapping = SgMapping::map(dma, both, ToDevice, engine, Gfp::Kernel)?;
    Ok(())
}
