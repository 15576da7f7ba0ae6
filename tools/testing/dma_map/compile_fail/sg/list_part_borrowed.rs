// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A buffer that is a part of a list is the list's.

use dma_map::{
    sg::BufferRange,
    Gfp,
    SgList, //
};
use kernel::prelude::*;

pub fn both(buffer: KVec<u8>) -> Result<(SgList<BufferRange<KVec<u8>>>, KVec<u8>)> {
    let mut list = SgList::new();
    let other = KVec::<u8>::new();
    list.push(BufferRange::from(buffer), Gfp::Kernel)?;
    drop(list.parts().len());
    // pass: Ok((list, other))
    Ok((list, buffer))
}
