// SPDX-License-Identifier: GPL-2.0

//! [`Transfer`] of each kind of handle.

mod context;
mod end;
mod handles;
mod pieces;
mod several;
mod shared;
mod start;
mod wait;

use crate::{
    c,
    check::*,
    device_side,
    engines::Scripted,
    fixture::*,
    pattern, //
};
use core::mem::ManuallyDrop;
use dma_map::{
    state::{
        Device,
        Shared, //
    },
    Bidirectional,
    Cpu,
    DmaCoherent,
    DmaDevice,
    DmaMapping,
    Engine,
    Gfp,
    InFlight,
    MapOptions,
    Piece,
    Pieces,
    SgMapping,
    SharedPiece,
    Transfer, //
};
use kernel::prelude::*;

/// The size of buffers, in bytes: more than a page, and not a multiple of one.
const LEN: usize = 9000;

/// A scattered buffer that the device has.
type Scattered<'b, E> = SgMapping<'b, VVec<u8>, Bidirectional, Device<E>>;

/// A contiguous buffer that the device has.
type Single<'b, E> = DmaMapping<'b, KVec<u8>, Bidirectional, Device<E>>;

/// Maps a scattered buffer that holds the pattern `seed`.
fn scattered<E: Engine>(dma: DmaDevice<'_>, engine: E, seed: u8) -> Result<Scattered<'_, E>> {
    let mut buffer = VVec::from_elem(0, LEN, GFP_KERNEL)?;
    pattern::fill(&mut buffer, seed, 0);
    let mapping = SgMapping::map(dma, buffer, Bidirectional, engine, Gfp::Kernel);
    Ok(mapping?)
}

/// Maps a contiguous buffer that holds the pattern `seed`.
fn single<E: Engine>(dma: DmaDevice<'_>, engine: E, seed: u8) -> Result<Single<'_, E>> {
    let mut buffer = KVec::from_elem(0, LEN, GFP_KERNEL)?;
    pattern::fill(&mut buffer, seed, 0);
    let mapping = DmaMapping::map(dma, buffer, Bidirectional, engine, MapOptions::new());
    Ok(mapping?)
}

/// Starts a transfer for which the device writes the pattern `seed`.
fn filled<'b, E: Engine>(
    dma: DmaDevice<'b>,
    engine: E,
    seed: u8,
) -> Result<Transfer<Scattered<'b, E>>> {
    let mapping = scattered(dma, engine, !seed)?;
    let transfer = Transfer::start(mapping, |pieces| {
        device_side::fill_pieces(dma, pieces, seed)
    });
    Ok(transfer?)
}

/// Returns the address of a transfer's first byte.
fn first<E: Engine>(transfer: &Transfer<Scattered<'_, E>>) -> Result<u64> {
    let piece = transfer.pieces().next().ok_or(EINVAL)?;
    Ok(piece.address())
}

/// Copies a handle, so that a case can put back what it leaks.
///
/// # Safety
///
/// One of the two must be leaked, and the other one not be dropped before that.
unsafe fn twin<H>(handle: &H) -> ManuallyDrop<H> {
    // SAFETY: By the safety requirements of this function.
    ManuallyDrop::new(unsafe { core::ptr::read(handle) })
}
