// SPDX-License-Identifier: GPL-2.0

//! Segment limits of coherent memory: those that a driver states, and a bus's defaults.

use super::*;
use crate::{
    c,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    CoherentHandle,
    CoherentOptions,
    SharedPiece,
    Transfer, //
};
use kernel::page::PAGE_SIZE;

/// Two pages, which are the limit below, and a byte more.
const AT: usize = 2 * PAGE_SIZE;
const ABOVE: usize = AT + 1;

const WITHIN: CoherentOptions = CoherentOptions::new(Gfp::Kernel);
const BEYOND: CoherentOptions = WITHIN.beyond_segment_limits();

/// Each of them is two pages: as a length, as a boundary, and as both.
const LIMITS: [DmaLimits; 4] = [
    ALL.max_segment_size(AT as u32),
    ALL.segment_boundary(AT as u64 - 1),
    ALL.max_segment_size(1 << 20)
        .segment_boundary(AT as u64 - 1),
    ALL.max_segment_size(AT as u32)
        .segment_boundary(0xffff_ffff),
];

/// Calls each constructor with `N` bytes, and `f` with what becomes of it.
fn each_constructor<const N: usize>(
    dma: DmaDevice<'_>,
    options: CoherentOptions,
    mut f: impl FnMut(Result<(u64, usize)>) -> Result,
) -> Result {
    fn of<T>(memory: Result<DmaCoherent<'_, T>>) -> Result<(u64, usize)>
    where
        T: FromBytes + IntoBytes + kernel::ptr::KnownSize + ?Sized,
    {
        let memory = memory?.give(Idle);
        Ok((memory.dma_address(), memory.size()))
    }
    let bytes = KVVec::from_elem(1u8, N, GFP_KERNEL)?;

    f(of(DmaCoherent::<[u8; N]>::zeroed(dma, options)))?;
    f(of(DmaCoherent::<[u8; N]>::zeroed_large(dma, options)))?;
    f(of(DmaCoherent::<[u8; N]>::init(
        dma,
        pin_init::init_zeroed(),
        options,
    )))?;
    f(of(DmaCoherent::<[u8]>::zeroed_slice(dma, N, options)))?;
    f(of(DmaCoherent::<[u8]>::zeroed_slice_large(dma, N, options)))?;
    f(of(DmaCoherent::from_slice(dma, &bytes[..], options)))?;
    f(CoherentHandle::alloc(dma, N, Idle, options).map(|it| (it.dma_address(), it.size())))?;
    f(CoherentHandle::alloc_large(dma, N, Idle, options).map(|it| (it.dma_address(), it.size())))
}

/// Checks that memory is one segment of `N` bytes, within a boundary of two pages if `N` is.
fn fits<const N: usize>(memory: Result<(u64, usize)>) -> Result {
    let (address, size) = memory?;
    check_eq!(size, N);
    check!(N > AT || address / AT as u64 == (address + N as u64 - 1) / AT as u64);
    Ok(())
}

fn refused(memory: Result<(u64, usize)>) -> Result {
    check_eq!(memory.err(), Some(EINVAL));
    Ok(())
}

#[kunit_tests(dma_map_coherent_limits)]
mod tests {
    use super::*;

    #[test]
    fn stated_limits_hold_unless_the_driver_says_otherwise() -> Result {
        for limits in LIMITS {
            each_dma(limits, |dma| {
                each_constructor::<1>(dma, WITHIN, fits::<1>)?;
                each_constructor::<PAGE_SIZE>(dma, WITHIN, fits::<PAGE_SIZE>)?;
                each_constructor::<AT>(dma, WITHIN, fits::<AT>)?;
                each_constructor::<ABOVE>(dma, WITHIN, refused)?;
                each_constructor::<{ 2 * AT }>(dma, WITHIN, refused)?;

                each_constructor::<AT>(dma, BEYOND, fits::<AT>)?;
                each_constructor::<ABOVE>(dma, BEYOND, fits::<ABOVE>)?;
                each_constructor::<{ 2 * AT }>(dma, BEYOND, fits::<{ 2 * AT }>)
            })?;
        }
        Ok(())
    }

    #[test]
    fn the_smallest_segment_holds() -> Result {
        const LINE: usize = 64;

        each_dma(ALL.max_segment_size(LINE as u32), |dma| {
            each_constructor::<LINE>(dma, WITHIN, fits::<LINE>)?;
            each_constructor::<{ LINE + 1 }>(dma, WITHIN, refused)?;
            each_constructor::<{ LINE + 1 }>(dma, BEYOND, fits::<{ LINE + 1 }>)
        })
    }

    /// What the driver is told is what it tells the device.
    #[test]
    fn a_piece_is_within_the_limits() -> Result {
        each_dma(ALL.max_segment_size(PAGE_SIZE as u32), |dma| {
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, PAGE_SIZE, WITHIN)?.give(Idle);
            let seen = |all: SharedPiece<'_, [u8], _>| {
                check_eq!(all.piece()?.len(), PAGE_SIZE);
                Ok(())
            };
            Transfer::start(memory, seen)?.complete()?;

            let ring = DmaCoherent::<[u8]>::zeroed_slice(dma, AT, BEYOND)?.give(Idle);
            let seen = |all: SharedPiece<'_, [u8], _>| {
                check_eq!(all.piece()?.len(), AT);
                Ok(())
            };
            Transfer::start(ring, seen)?.complete()?;
            Ok(())
        })
    }

    #[test]
    fn a_default_of_the_bus_is_none_of_coherent_memory() -> Result {
        each_dma(ALL, |dma| {
            check_eq!(dma.max_segment_size(), 64 * 1024);
            each_constructor::<{ 64 * 1024 + 1 }>(dma, WITHIN, fits::<{ 64 * 1024 + 1 }>)
        })
    }

    #[test]
    fn limits_of_another_binding_are_not_stated() -> Result {
        each(|dev| {
            dev.bind(|probe| probe.dma(LIMITS[0]).map(|_| ()))?;
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                each_constructor::<{ 2 * AT }>(dma, WITHIN, fits::<{ 2 * AT }>)
            })
        })
    }

    #[test]
    fn a_set_up_that_failed_states_nothing() -> Result {
        TestDevice::platform()?.bind(|probe| {
            let odd = LIMITS[0].coherent_mask(DmaMask::new::<1>());
            check_err!(probe.dma(odd), EIO);
            let dma = probe.dma(ALL)?;
            each_constructor::<{ 2 * AT }>(dma, WITHIN, fits::<{ 2 * AT }>)
        })
    }

    /// The memory is aligned to its size, and the bus moves it by a page.
    #[test]
    fn memory_that_the_bus_moves_across_is_eio() -> Result {
        TestDevice::platform()?.bind(|probe| {
            c::set_dma_offset(probe.device(), PAGE_SIZE as u64)?;
            let dma = probe.dma(ALL.segment_boundary(AT as u64 - 1))?;
            each_constructor::<PAGE_SIZE>(dma, WITHIN, fits::<PAGE_SIZE>)?;
            each_constructor::<AT>(dma, WITHIN, |memory| {
                check_eq!(memory.err(), Some(EIO));
                Ok(())
            })?;
            each_constructor::<AT>(dma, BEYOND, |memory| memory.map(|_| ()))?;
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }
}
