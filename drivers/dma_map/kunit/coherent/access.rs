// SPDX-License-Identifier: GPL-2.0

//! Access to shared coherent memory: I/O macros and methods, and views.
//!
//! The device sees the same bytes at a view's address.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use core::mem::offset_of;
use dma_map::{
    state::Shared,
    CoherentView, //
};
use kernel::io::{
    io_project,
    io_read,
    io_write,
    Io, //
};

const LEN: usize = 200;

/// Runs `f` with a ring of several pages of slots.
fn with_ring(f: fn(DmaDevice<'_>, DmaCoherent<'_, [Slot], Shared<Idle>>) -> Result) -> Result {
    each_dma(ALL, |dma| {
        let ring = DmaCoherent::<[Slot]>::zeroed_slice(dma, LEN, Gfp::Kernel)?;
        f(dma, ring.give(Idle))
    })
}

/// Reads a field of the slot at `index`.
fn tail(ring: &DmaCoherent<'_, [Slot], Shared<Idle>>, index: usize) -> Result<u64> {
    Ok(io_read!(ring, [try: index].tail))
}

/// Writes a field of the slot at `index`.
fn set_tail(ring: &DmaCoherent<'_, [Slot], Shared<Idle>>, index: usize, tail: u64) -> Result {
    io_write!(ring, [try: index].tail, tail);
    Ok(())
}

/// Checks that the device finds `bytes` at the address of `view`.
fn check_device_finds<T>(dma: DmaDevice<'_>, view: CoherentView<'_, T>, bytes: &[u8]) -> Result {
    let mut found = KVec::from_elem(0, bytes.len(), GFP_KERNEL)?;
    device_side::read(dma, view.dma_address(), &mut found)?;
    check_eq!(found[..], *bytes);
    Ok(())
}

#[kunit_tests(dma_map_coherent_access)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_written() -> Result {
        with_ring(|_, ring| {
            io_write!(&ring, [try: 0].sequence, 1);
            io_write!(&ring, [try: 0].len, 2);
            io_write!(&ring, [try: LEN - 1].status, 3);
            io_write!(&ring, [try: LEN - 1].data[build: 7], 4);
            check_eq!(io_read!(&ring, [try: 0].sequence), 1);
            check_eq!(io_read!(&ring, [try: 0].len), 2);
            check_eq!(io_read!(&ring, [try: LEN - 1].status), 3);
            check_eq!(io_read!(&ring, [try: LEN - 1].data[build: 7]), 4);
            check_eq!(io_read!(&ring, [try: 1].sequence), 0);
            check_eq!(io_read!(&ring, [try: LEN - 2].status), 0);
            Ok(())
        })
    }

    #[test]
    fn index_beyond_the_end_is_erange() -> Result {
        with_ring(|_, ring| {
            set_tail(&ring, LEN - 1, 1)?;
            for index in [LEN, LEN + 1, usize::MAX / size_of::<Slot>(), usize::MAX] {
                check_err!(tail(&ring, index), ERANGE);
                check_err!(set_tail(&ring, index, 1), ERANGE);
            }
            check_eq!(tail(&ring, LEN - 1)?, 1);
            Ok(())
        })
    }

    #[test]
    fn range_beyond_the_end_is_erange() -> Result {
        with_ring(|_, ring| {
            let part = |range: core::ops::Range<usize>| -> Result<usize> {
                Ok(io_project!(&ring, [try: range]).len())
            };
            check_eq!(part(0..LEN)?, LEN);
            check_eq!(part(LEN - 1..LEN)?, 1);
            check_eq!(part(LEN..LEN)?, 0);
            check_err!(part(0..LEN + 1), ERANGE);
            check_err!(part(LEN..LEN + 1), ERANGE);
            let (start, end) = (LEN, LEN - 1);
            check_err!(part(start..end), ERANGE);
            Ok(())
        })
    }

    #[test]
    fn part_has_its_own_address() -> Result {
        with_ring(|_, ring| {
            let base = ring.dma_address();
            let size = size_of::<Slot>() as u64;
            check_eq!(ring.view().dma_address(), base);
            check_eq!(io_project!(&ring, [try: 0]).dma_address(), base);
            for index in [1, LEN / 2, LEN - 1] {
                let slot = io_project!(&ring, [try: index]);
                check_eq!(slot.dma_address(), base + index as u64 * size);
                check_eq!(
                    io_project!(slot, .tail).dma_address(),
                    slot.dma_address() + offset_of!(Slot, tail) as u64
                );
                check_eq!(
                    io_project!(slot, .data[build: 7]).dma_address(),
                    slot.dma_address() + offset_of!(Slot, data) as u64 + 7
                );
            }
            let rest = io_project!(&ring, [try: 3..LEN]);
            check_eq!(rest.dma_address(), base + 3 * size);
            check_eq!(rest.len(), LEN - 3);
            Ok(())
        })
    }

    #[test]
    fn device_finds_what_was_written_at_the_address_of_the_part() -> Result {
        with_ring(|dma, ring| {
            for index in [0, 1, 127, 128, LEN - 1] {
                let slot = io_project!(&ring, [try: index]);
                slot.copy_write(SLOT);
                check_device_finds(dma, slot, SLOT.as_bytes())?;
                check_device_finds(dma, io_project!(slot, .tail), &SLOT.tail.to_ne_bytes())?;
                check_device_finds(dma, io_project!(slot, .len), &SLOT.len.to_ne_bytes())?;
            }
            Ok(())
        })
    }

    #[test]
    fn cpu_reads_what_the_device_wrote_at_the_address_of_the_part() -> Result {
        with_ring(|dma, ring| {
            for index in [0, 1, 127, 128, LEN - 1] {
                let slot = io_project!(&ring, [try: index]);
                device_side::write(dma, slot.dma_address(), SLOT.as_bytes())?;
                check_eq!(slot.copy_read(), SLOT);
                check_eq!(tail(&ring, index)?, SLOT.tail);

                let status = io_project!(slot, .status);
                device_side::write(dma, status.dma_address(), &77u16.to_ne_bytes())?;
                check_eq!(status.read_val(), 77);
                check_eq!(slot.copy_read(), Slot { status: 77, ..SLOT });
            }
            Ok(())
        })
    }

    #[test]
    fn slices_are_copied_both_ways() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 5000, Gfp::Kernel)?.give(Idle);
            let view = memory.view();
            check_eq!(view.len(), 5000);
            check_eq!(view.size(), 5000);

            let part = io_project!(view, [try: 4000..4300]);
            let mut data = KVec::from_elem(0u8, 300, GFP_KERNEL)?;
            fill(&mut data, 9);
            part.copy_from_slice(&data);

            let mut copy = KVec::from_elem(0u8, 300, GFP_KERNEL)?;
            part.copy_to_slice(&mut copy);
            check_holds(&copy, 9)?;
            copy.fill(0);
            device_side::read(dma, part.dma_address(), &mut copy)?;
            check_holds(&copy, 9)?;
            check_eq!(io_read!(view, [try: 3999]), 0);
            check_eq!(io_read!(view, [try: 4300]), 0);
            Ok(())
        })
    }

    #[test]
    fn single_value_works_without_an_index() -> Result {
        each_dma(ALL, |dma| {
            let slot = DmaCoherent::new(dma, SLOT, Gfp::Kernel)?.give(Idle);
            check_eq!(io_read!(&slot, .sequence), SLOT.sequence);
            io_write!(&slot, .sequence, 5);
            let view = slot.view();
            let copy = view;
            check_eq!(io_read!(view, .sequence), 5);
            check_eq!(io_read!(copy, .sequence), 5);

            let word = DmaCoherent::new(dma, 0x1234u32, Gfp::Kernel)?.give(Idle);
            check_eq!(word.view().read_val(), 0x1234);
            Ok(())
        })
    }
}
