// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Claimed

//! What a completion takes does not leave it: its command may borrow from the binding.

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
    // pass: tags.take(0, 0, |claimed| claimed.tag()).is_some()
    tags.take(0, 0, |claimed| claimed).is_some()
}
