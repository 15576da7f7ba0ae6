// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! What ends the quiescing of a tag set does not outlive it.

use dma_map::blk::{
    Operations,
    TagSet, //
};
use kernel::{
    sync::Arc,
    types::ForLt, //
};

pub fn stop<F>(tags: Arc<TagSet<F>>)
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    let quiesced = tags.quiesce();
    // pass:
    drop(tags);
    drop(quiesced);
}
