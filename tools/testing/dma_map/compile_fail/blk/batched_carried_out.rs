// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Claimed

//! What a batch takes does not leave its function.

use dma_map::blk::{
    Operations,
    TagSet, //
};
use kernel::types::ForLt;

pub fn take<F>(tags: &TagSet<F>) -> bool
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    // pass: tags.batch(|batch| batch.take(0, 0).map(|claimed| claimed.tag())).is_some()
    tags.batch(|batch| batch.take(0, 0)).is_some()
}
