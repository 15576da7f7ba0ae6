// SPDX-License-Identifier: GPL-2.0

//! What a device does with the addresses that it is given, done by the CPU.
//!
//! A DMA address is translated as the hardware does it, by the IOMMU's tables if there are any, and
//! the memory behind it is accessed: a bounce buffer, if the kernel uses one. So a sync that is
//! missing shows as wrong data, as it would with a device.

use crate::c;
use dma_map::{
    direction::Direction,
    sg::{
        Segment,
        SgBuffer, //
    },
    state,
    DmaDevice,
    Engine,
    SgMapping, //
};
use kernel::{
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The byte that stands at `index` in the pattern `seed`; neighbours and pages differ.
pub(crate) fn pattern(seed: u8, index: usize) -> u8 {
    (index.wrapping_mul(7) ^ (index >> 8).wrapping_mul(31)) as u8 ^ seed
}

/// Calls `f` with the pieces of `len` bytes at `address` that are contiguous for the CPU.
fn for_each_piece(
    dma: DmaDevice<'_>,
    address: DmaAddress,
    len: usize,
    mut f: impl FnMut(*mut u8, core::ops::Range<usize>),
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
pub(crate) fn write(dma: DmaDevice<'_>, address: DmaAddress, data: &[u8]) -> Result {
    for_each_piece(dma, address, data.len(), |cpu, range| {
        for (i, byte) in data[range].iter().enumerate() {
            // SAFETY: The device may write to what it was given the address of.
            unsafe { cpu.add(i).write_volatile(*byte) };
        }
    })
}

/// The device reads `data` from `address`; `EFAULT` if there is no memory for it.
pub(crate) fn read(dma: DmaDevice<'_>, address: DmaAddress, data: &mut [u8]) -> Result {
    for_each_piece(dma, address, data.len(), |cpu, range| {
        for (i, byte) in data[range].iter_mut().enumerate() {
            // SAFETY: The device may read what it was given the address of.
            *byte = unsafe { cpu.add(i).read_volatile() };
        }
    })
}

/// Calls `f` with each byte that the device reaches in `segments`, and its index.
fn for_each_byte(
    dma: DmaDevice<'_>,
    segments: impl Iterator<Item = Segment>,
    mut f: impl FnMut(*mut u8, usize),
) -> Result {
    let mut start = 0;

    for segment in segments {
        for_each_piece(dma, segment.address, segment.len as usize, |cpu, range| {
            for (i, index) in range.enumerate() {
                f(cpu.wrapping_add(i), start + index);
            }
        })?;
        start += segment.len as usize;
    }

    Ok(())
}

/// The device fills its segments with the pattern `seed`.
pub(crate) fn fill<B, D, E>(mapping: &SgMapping<'_, B, D, state::Device<E>>, seed: u8) -> Result
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    for_each_byte(mapping.device(), mapping.segments(), |cpu, index| {
        // SAFETY: The device owns the mapping.
        unsafe { cpu.write_volatile(pattern(seed, index)) };
    })
}

/// Returns whether the device finds the pattern `seed` in its segments.
pub(crate) fn finds<B, D, E>(
    mapping: &SgMapping<'_, B, D, state::Device<E>>,
    seed: u8,
) -> Result<bool>
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    let mut same = true;
    for_each_byte(mapping.device(), mapping.segments(), |cpu, index| {
        // SAFETY: The device owns the mapping.
        same &= unsafe { cpu.read_volatile() } == pattern(seed, index);
    })?;

    Ok(same)
}
