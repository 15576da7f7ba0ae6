// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! User memory that was pinned for reading is not written to: it may be a page of a file.

use dma_map::{
    DmaDevice,
    Engine,
    FromDevice,
    Gfp,
    SgMapping,
    ToDevice,
    UserPages, //
};
use kernel::prelude::*;

pub type Directions = (ToDevice, FromDevice);

pub fn map<E: Engine>(dma: DmaDevice<'_>, pages: UserPages<ToDevice>, engine: E) -> Result {
    // pass: let _mapping = SgMapping::map(dma, pages, ToDevice, engine, Gfp::Kernel)?;
    let _mapping = SgMapping::map(dma, pages, FromDevice, engine, Gfp::Kernel)?;
    Ok(())
}
