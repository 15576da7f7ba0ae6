// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-different-size, free-different-entry-count, sync-different-entry-count

//! A list that is mapped does not grow.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgList,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, mut list: SgList<KVec<u8>>, engine: E) -> Result {
    let mut other = SgList::<KVec<u8>>::new();
    list.push(KVec::new(), Gfp::Kernel)?;
    let _mapping = SgMapping::map(dma, list, ToDevice, engine, Gfp::Kernel)?;
    other.push(KVec::new(), Gfp::Kernel)?;
    // pass: other.push(KVec::<u8>::new(), Gfp::Kernel)?;
    list.push(KVec::<u8>::new(), Gfp::Kernel)?;
    Ok(())
}
