// SPDX-License-Identifier: GPL-2.0

//! Device accesses, done by the CPU.
//!
//! A DMA address is translated as the hardware does it, by the IOMMU's tables if there are any, and
//! the memory behind it is accessed: a bounce buffer, if the kernel uses one. So a sync that is
//! missing shows as wrong data, as it would with a device.

use crate::{
    c,
    pattern, //
};
use dma_map::{
    direction::Direction,
    sg::{
        Segment,
        SgSource, //
    },
    state,
    DmaDevice,
    Engine,
    Pieces,
    SgMapping, //
};
use kernel::{
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};

/// How much the device reads or writes at once, in bytes.
pub(crate) const PART: usize = 512;

/// Calls `f` with the pieces of `len` bytes at `address` that are contiguous for the CPU.
#[inline(never)]
fn for_each_piece(
    dma: DmaDevice<'_>,
    address: DmaAddress,
    len: usize,
    f: &mut dyn FnMut(*mut u8, core::ops::Range<usize>),
) -> Result {
    let mut done = 0;

    while done < len {
        let at = address + done as DmaAddress;
        let step = (PAGE_SIZE - at as usize % PAGE_SIZE).min(len - done);
        let cpu = c::dma_to_virt(dma.device(), at);
        if cpu.is_null() {
            return Err(EFAULT);
        }
        f(cpu, done..done + step);
        done += step;
    }

    Ok(())
}

/// The device writes `data` to `address`; `EFAULT` if there is no memory for it.
#[inline(never)]
pub(crate) fn write(dma: DmaDevice<'_>, address: DmaAddress, data: &[u8]) -> Result {
    for_each_piece(dma, address, data.len(), &mut |cpu, range| {
        let part = &data[range];
        // SAFETY: The device may write to what it was given the address of.
        unsafe { cpu.copy_from_nonoverlapping(part.as_ptr(), part.len()) };
    })
}

/// The device reads `data` from `address`; `EFAULT` if there is no memory for it.
#[inline(never)]
pub(crate) fn read(dma: DmaDevice<'_>, address: DmaAddress, data: &mut [u8]) -> Result {
    for_each_piece(dma, address, data.len(), &mut |cpu, range| {
        let part = &mut data[range];
        // SAFETY: The device may read what it was given the address of.
        unsafe { cpu.copy_to_nonoverlapping(part.as_mut_ptr(), part.len()) };
    })
}

/// Calls `f` with parts of the segments, of up to [`PART`] bytes, and where they are in the mapping.
#[inline(never)]
pub(crate) fn for_each_part(
    segments: &mut dyn Iterator<Item = Segment>,
    f: &mut dyn FnMut(DmaAddress, usize, usize) -> Result,
) -> Result {
    let mut start = 0;

    for segment in segments {
        let len = segment.len as usize;
        for done in (0..len).step_by(PART) {
            f(
                segment.address + done as DmaAddress,
                PART.min(len - done),
                start + done,
            )?;
        }
        start += len;
    }

    Ok(())
}

/// The device fills `segments` with the pattern `seed`.
#[inline(never)]
pub(crate) fn fill_segments(
    dma: DmaDevice<'_>,
    segments: &mut dyn Iterator<Item = Segment>,
    seed: u8,
) -> Result {
    let mut data = [0; PART];
    for_each_part(segments, &mut |address, len, start| {
        let data = &mut data[..len];
        pattern::fill(data, seed, start);
        write(dma, address, data)
    })
}

/// Returns whether the device finds the pattern `seed` in `segments`.
#[inline(never)]
pub(crate) fn finds_segments(
    dma: DmaDevice<'_>,
    segments: &mut dyn Iterator<Item = Segment>,
    seed: u8,
) -> Result<bool> {
    let mut data = [0; PART];
    let mut same = true;
    for_each_part(segments, &mut |address, len, start| {
        let data = &mut data[..len];
        read(dma, address, data)?;
        same &= pattern::holds(data, seed, start);
        Ok(())
    })?;

    Ok(same)
}

/// The device fills its segments with the pattern `seed`.
pub(crate) fn fill<B, D, E>(mapping: &SgMapping<'_, B, D, state::Device<E>>, seed: u8) -> Result
where
    B: SgSource,
    D: Direction,
    E: Engine,
{
    fill_segments(mapping.device(), &mut mapping.segments(), seed)
}

/// Returns whether the device finds the pattern `seed` in its segments.
pub(crate) fn finds<B, D, E>(
    mapping: &SgMapping<'_, B, D, state::Device<E>>,
    seed: u8,
) -> Result<bool>
where
    B: SgSource,
    D: Direction,
    E: Engine,
{
    finds_segments(mapping.device(), &mut mapping.segments(), seed)
}

/// The device fills `len` bytes at `address` with the pattern `seed`.
#[inline(never)]
pub(crate) fn fill_at(dma: DmaDevice<'_>, address: DmaAddress, len: usize, seed: u8) -> Result {
    for_each_piece(dma, address, len, &mut |cpu, range| {
        for (i, index) in range.enumerate() {
            // SAFETY: The device may write to what it was given the address of.
            unsafe { cpu.wrapping_add(i).write_volatile(pattern::at(seed, index)) };
        }
    })
}

/// Returns whether the device finds the pattern `seed` in `len` bytes at `address`.
#[inline(never)]
pub(crate) fn finds_at(
    dma: DmaDevice<'_>,
    address: DmaAddress,
    len: usize,
    seed: u8,
) -> Result<bool> {
    let mut same = true;
    for_each_piece(dma, address, len, &mut |cpu, range| {
        for (i, index) in range.enumerate() {
            // SAFETY: The device may read what it was given the address of.
            same &= unsafe { cpu.wrapping_add(i).read_volatile() } == pattern::at(seed, index);
        }
    })?;

    Ok(same)
}

/// Returns pieces as segments.
fn segments<'a, D: Direction, E>(
    pieces: Pieces<'a, D, E>,
) -> impl Iterator<Item = Segment> + use<'a, D, E> {
    pieces.map(|piece| Segment {
        address: piece.address(),
        // The largest buffers of the cases have less than 1 MiB.
        len: piece.len() as u32,
    })
}

/// The device fills `pieces` with the pattern `seed`.
pub(crate) fn fill_pieces<D: Direction, E>(
    dma: DmaDevice<'_>,
    pieces: Pieces<'_, D, E>,
    seed: u8,
) -> Result {
    fill_segments(dma, &mut segments(pieces), seed)
}

/// Returns whether the device finds the pattern `seed` in `pieces`.
pub(crate) fn finds_pieces<D: Direction, E>(
    dma: DmaDevice<'_>,
    pieces: Pieces<'_, D, E>,
    seed: u8,
) -> Result<bool> {
    finds_segments(dma, &mut segments(pieces), seed)
}
