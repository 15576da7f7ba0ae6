// SPDX-License-Identifier: GPL-2.0

//! [`DmaPool`](dma_map::DmaPool) and its blocks.

mod alloc;
mod create;
mod end;
mod free;
mod limits;
mod states;

use crate::{
    check::*,
    pattern, //
};
use dma_map::{
    pool::PoolRef,
    state::Shared,
    DmaDevice,
    DmaLimits,
    DmaPool,
    Engine,
    Gfp,
    PoolBlock, //
};
use kernel::{
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

/// Something that a device finds by its address: 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes)]
#[repr(C)]
struct Descriptor {
    address: u64,
    len: u32,
    flags: u32,
    next: u64,
}

const DESCRIPTOR: Descriptor = Descriptor {
    address: 0x0102_0304_0506_0708,
    len: 0x1111_2222,
    flags: 0x3333_4444,
    next: 0x5555_6666_7777_8888,
};

/// Fills a block with the pattern `seed`.
fn fill<const N: usize>(block: &mut [u8; N], seed: u8) {
    pattern::fill(block, seed, 0);
}

/// Returns whether a block holds the pattern `seed`.
fn holds<const N: usize>(block: &[u8; N], seed: u8) -> bool {
    pattern::holds(block, seed, 0)
}

/// Copies a handle, so that a case can put back what it leaks.
///
/// # Safety
///
/// One of the two must be leaked.
unsafe fn twin<P: PoolRef, E: Engine>(
    block: &PoolBlock<P, Shared<E>>,
) -> core::mem::ManuallyDrop<PoolBlock<P, Shared<E>>> {
    // SAFETY: By the safety requirements of this function.
    core::mem::ManuallyDrop::new(unsafe { core::ptr::read(block) })
}
