// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A list of pages does not outlive its mapping.

use dma_map::{
    Device,
    Engine,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn last<E: Engine>(mapping: SgMapping<'_, PageList, ToDevice, Device<E>>) -> Result<usize> {
    let pages = mapping.dma_pages(4096)?;
    let count = pages.len();
    mapping.unmap()?;
    // pass: Ok(count)
    Ok(pages.count())
}
