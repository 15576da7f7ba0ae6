// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/PoolBlock

//! A block that keeps its pool does not keep the binding.

use dma_map::{
    DmaPool,
    Gfp,
    PoolBlock, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

pub type Pool<'bound> = Arc<DmaPool<'bound, u64>>;

// pass: pub fn take(pool: Pool<'_>) -> Result<PoolBlock<Pool<'_>>> {
pub fn take(pool: Pool<'_>) -> Result<PoolBlock<Pool<'static>>> {
    PoolBlock::zeroed(pool, Gfp::Kernel)
}
