// SPDX-License-Identifier: GPL-2.0

//! [`DmaCoherent`](dma_map::DmaCoherent).

mod access;
mod alloc;
mod free;
mod limits;
mod options;
mod quarantine;
mod refused;
mod transitions;

use crate::{
    check::*,
    pattern, //
};
use dma_map::{
    DmaCoherent,
    DmaDevice,
    DmaLimits,
    Gfp, //
};
use kernel::{
    dma::DmaMask,
    prelude::*, //
};
use zerocopy_derive::Immutable;

/// Something with fields of several sizes, as a device shares it.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Slot {
    sequence: u32,
    len: u16,
    status: u16,
    data: [u8; 8],
    tail: u64,
}

const SLOT: Slot = Slot {
    sequence: 0x0102_0304,
    len: 0x0506,
    status: 0x0708,
    data: *b"contents",
    tail: 0x1122_3344_5566_7788,
};

/// Fills the memory with the pattern `seed`.
fn fill(memory: &mut [u8], seed: u8) {
    pattern::fill(memory, seed, 0);
}

/// Checks that the memory holds the pattern `seed`.
fn check_holds(memory: &[u8], seed: u8) -> Result {
    let wrong = |(i, byte): (usize, &u8)| *byte != pattern::at(seed, i);
    check!(
        pattern::holds(memory, seed, 0),
        "the byte at {:?} is wrong",
        memory.iter().enumerate().position(wrong)
    );
    Ok(())
}

/// Leaves data behind in memory that is free, for the next one to find.
fn soil(dma: DmaDevice<'_>, size: usize) -> Result {
    let mut all = KVec::new();
    for _ in 0..4 {
        let mut memory = DmaCoherent::<[u8]>::zeroed_slice_large(dma, size, Gfp::Kernel)?;
        memory.fill(0xa5);
        all.push(memory, GFP_KERNEL)?;
    }
    Ok(())
}

/// Checks that all bytes are 0.
fn check_zero(memory: &[u8]) -> Result {
    let found = memory.iter().position(|byte| *byte != 0);
    check_eq!(found, None);
    Ok(())
}
