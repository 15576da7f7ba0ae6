// SPDX-License-Identifier: GPL-2.0

//! Errors of each way to map: `EIO` if it can never succeed, `ENOMEM` if it may succeed later.

use crate::{
    c,
    check::*,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    mapping::{
        with_mapped,
        Pages, //
    },
    sg::Prebuilt,
    state::Device,
    Bidirectional,
    DmaCoherent,
    DmaDevice,
    DmaLimits,
    DmaMapping,
    DmaNoncontiguous,
    DmaPages,
    Gfp,
    IovaMapping,
    MapError,
    MapOptions,
    MappedPool,
    MappedPoolOptions,
    SgMapping,
    ToDevice, //
};
use kernel::{
    dma::DmaMask,
    prelude::*, //
};

const PLAIN: MapOptions = MapOptions::new();

/// What one bounce buffer takes.
const BOUNCE: usize = 256 << 10;

const fn limits<const BITS: u32>() -> DmaLimits {
    DmaLimits::new(DmaMask::new::<BITS>()).max_segment_size(u32::MAX)
}

fn bytes(len: usize) -> Result<KVec<u8>> {
    Ok(KVec::from_elem(0x21, len, GFP_KERNEL)?)
}

/// A way to map memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Mapping,
    CpuMapping,
    Borrowed,
    Pool,
    Table,
    Kept,
    Iova,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::Mapping,
        Self::CpuMapping,
        Self::Borrowed,
        Self::Pool,
        Self::Table,
        Self::Kept,
        Self::Iova,
    ];

    /// Whether the memory is mapped as one piece.
    fn is_one_piece(self) -> bool {
        !matches!(self, Self::Table | Self::Kept | Self::Iova)
    }

    /// Maps `len` bytes and unmaps them; whether they are bounced if they are mapped, as far as is
    /// known, and what came of it.
    fn try_bytes(self, dma: DmaDevice<'_>, len: usize) -> Result<(Option<bool>, Result)> {
        if self == Self::Pool {
            let options = MappedPoolOptions::new(1).node(0);
            let pool = MappedPool::<u8, _>::new(dma, c"kunit", len, Bidirectional, options);
            return Ok((None, pool.map(|_| ())));
        }

        let mut buffer = bytes(len)?;
        let bounces = c::must_bounce(dma.device(), &buffer);
        let result = match self {
            Self::Mapping => came_back(
                DmaMapping::map(dma, buffer, Bidirectional, Idle, PLAIN),
                len,
            ),
            Self::CpuMapping => {
                came_back(DmaMapping::map_cpu(dma, buffer, Bidirectional, PLAIN), len)
            }
            Self::Table => came_back(
                SgMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel),
                len,
            ),
            Self::Iova => came_back(
                IovaMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel),
                len,
            ),
            Self::Kept => match Prebuilt::new(dma, buffer, Gfp::Kernel) {
                Err(failed) => came_back::<()>(Err(failed), len),
                Ok(kept) => SgMapping::map(dma, kept, Bidirectional, Idle, Gfp::Kernel)
                    .map(|_| ())
                    .map_err(Error::from),
            },
            _ => {
                let memory = &mut buffer[..];
                with_mapped(dma, memory, Bidirectional, Idle, PLAIN, |_| Ok(()))
            }
        };
        Ok((Some(bounces), result))
    }
}

/// Drops what was mapped, or checks that the buffer is back.
fn came_back<T>(mapped: Result<T, MapError<KVec<u8>>>, len: usize) -> Result {
    let Err(MapError { error, buffer }) = mapped else {
        return Ok(());
    };
    check_eq!(buffer.len(), len);
    check!(buffer.iter().all(|byte| *byte == 0x21));
    Err(error)
}

/// Maps `len` bytes in each way: what is bounced is `bounced`, and the rest is mapped.
fn each_way(dma: DmaDevice<'_>, len: usize, bounced: impl Fn(Way) -> Result) -> Result {
    let translated = c::dma_domain(dma.device()).is_some();

    for way in Way::ALL {
        // What is so for good is so again.
        for _ in 0..2 {
            let (bounces, result) = way.try_bytes(dma, len)?;
            let expected = bounced(way);
            let right = match bounces {
                _ if translated => result == Ok(()),
                Some(true) => result == expected,
                Some(false) => result == Ok(()),
                None => result == Ok(()) || result == expected,
            };
            check!(
                right,
                "{way:?} of {len} bytes, bounced {bounces:?}: {result:?}"
            );
        }
    }
    Ok(())
}

/// What is bounced, if it is not too large: mapped, unless a bounce buffer is out of reach.
fn reachable(dma: DmaDevice<'_>) -> Result {
    match c::bounces_within(dma.device()) {
        true => Ok(()),
        false => Err(EIO),
    }
}

pub(crate) type Held<'b> = DmaMapping<'b, KVec<u8>, ToDevice, Device<Idle>>;

/// Maps memory until `ENOMEM`, in pieces that get smaller; `None` if it comes to something else.
pub(crate) fn fill<'b>(dma: DmaDevice<'b>, sizes: &[usize]) -> Result<Option<KVec<Held<'b>>>> {
    let mut all = KVec::new();
    for &size in sizes {
        loop {
            let buffer = bytes(size)?;
            // What is mapped in place fills nothing.
            if c::dma_domain(dma.device()).is_none() && !c::must_bounce(dma.device(), &buffer) {
                return Ok(None);
            }
            match DmaMapping::map(dma, buffer, ToDevice, Idle, PLAIN) {
                Ok(mapping) => all.push(mapping, GFP_KERNEL)?,
                Err(MapError { error, .. }) => {
                    check_eq!(error, ENOMEM);
                    break;
                }
            }
        }
    }
    Ok(Some(all))
}

#[kunit_tests(dma_map_refusal)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_bounce_buffer_is_eio() -> Result {
        fn check(probe: &mut Probe<'_, '_>, limits: DmaLimits) -> Result {
            let dma = probe.dma(limits)?;
            for len in [1, 65536, BOUNCE, BOUNCE + 1, 300_000, 1 << 20] {
                each_way(dma, len, |way| {
                    reachable(dma)?;
                    match way.is_one_piece() && len > BOUNCE {
                        true => Err(EIO),
                        false => Ok(()),
                    }
                })?;
            }
            Ok(())
        }

        each_probe(|probe| check(probe, limits::<64>()))?;
        each_probe(|probe| check(probe, limits::<32>()))?;
        each_probe(|probe| check(probe, limits::<28>()))
    }

    /// The low bits of an address take room before the piece.
    #[test]
    fn what_just_fits_into_a_bounce_buffer_is_mapped() -> Result {
        const PLACES: [(u32, usize, usize, bool); 12] = [
            (0, 0, BOUNCE, true),
            (0, 0, BOUNCE + 1, false),
            (0, 1000, BOUNCE, true),
            (0xfff, 0, BOUNCE, true),
            (0xfff, 0, BOUNCE + 1, false),
            (0xfff, 2048, BOUNCE, false),
            (0xfff, 2048, BOUNCE - 2048, true),
            (0xfff, 2048, BOUNCE - 2047, false),
            (0xfff, 100, BOUNCE - 99, false),
            (0xfff, 100, BOUNCE - 100, true),
            (0xfff, 4095, BOUNCE - 4095, true),
            (0xfff, 4095, BOUNCE - 4094, false),
        ];

        each(|dev| {
            for (mask, start, len, fits) in PLACES {
                for limits in [limits::<64>(), limits::<28>()] {
                    dev.bind(|probe| {
                        let dma = probe.dma(limits.min_align_mask(mask))?;
                        let mut buffer = bytes(600_000)?;
                        let memory = &mut buffer[start..][..len];
                        let in_place = c::dma_domain(dma.device()).is_some()
                            || !c::must_bounce(dma.device(), memory);
                        let expected = match fits || in_place {
                            _ if !in_place && reachable(dma).is_err() => Err(EIO),
                            true => Ok(()),
                            false => Err(EIO),
                        };
                        let result =
                            with_mapped(dma, memory, Bidirectional, Idle, PLAIN, |_| Ok(()));
                        check!(
                            result == expected,
                            "{len} bytes at {start:#x}, {mask:#x} kept: {result:?}"
                        );
                        Ok(())
                    })?;
                }
            }
            Ok(())
        })
    }

    #[test]
    fn full_bounce_pool_is_enomem() -> Result {
        fn check(probe: &mut Probe<'_, '_>, limits: DmaLimits) -> Result {
            let dma = probe.dma(limits)?;
            if c::dma_domain(dma.device()).is_some() || reachable(dma).is_err() {
                return Ok(());
            }
            c::without_growth(dma.device(), || {
                let Some(all) = fill(dma, &[BOUNCE, 65536, 16384, 4096, 1])? else {
                    return Ok(());
                };
                for len in [1, 5000, BOUNCE] {
                    each_way(dma, len, |_| Err(ENOMEM))?;
                }
                // That is for good, full or not.
                each_way(dma, BOUNCE + 1, |way| match way.is_one_piece() {
                    true => Err(EIO),
                    false => Err(ENOMEM),
                })?;
                drop(all);
                each_way(dma, 5000, |_| Ok(()))
            })
        }

        each_probe(|probe| check(probe, limits::<64>()))?;
        each_probe(|probe| check(probe, limits::<28>()))
    }

    #[test]
    fn memory_out_of_reach_is_eio() -> Result {
        // No bounce pool is within 16 MiB. Only an IOMMU helps, which platform devices do not have here.
        TestDevice::platform()?.bind(|probe| {
            let dma = probe.dma(limits::<24>())?;
            check!(!c::bounces_within(dma.device()));
            for len in [1, 5000, 300_000] {
                each_way(dma, len, |_| Err(EIO))?;
            }
            Ok(())
        })
    }

    /// An IOMMU aligns a range to a power of two, and leaves the first one out.
    #[test]
    fn more_than_an_iommu_has_addresses_for_is_eio() -> Result {
        const SPACE: usize = 1 << 22;

        on_pci(|dev| {
            dev.bind(|probe| {
                if c::dma_domain(probe.device()).is_none() {
                    return Ok(());
                }
                let dma = probe.dma(limits::<22>())?;
                for way in Way::ALL {
                    for (len, fits) in [
                        (SPACE / 2, true),
                        (SPACE / 2 + 1, false),
                        (SPACE - 4096, false),
                        (SPACE, false),
                    ] {
                        let (_, result) = way.try_bytes(dma, len)?;
                        let expected = if fits { Ok(()) } else { Err(EIO) };
                        check!(result == expected, "{way:?} of {len} bytes: {result:?}");
                    }
                }
                let huge = VVec::from_elem(0u8, 2 * SPACE, GFP_KERNEL)?;
                check_err!(
                    SgMapping::map(dma, huge, ToDevice, Idle, Gfp::Kernel).map(|_| ()),
                    EIO
                );
                for len in [SPACE / 2 + 1, SPACE] {
                    check_err!(
                        DmaPages::<u8, _>::alloc(dma, len, ToDevice, Gfp::Kernel).map(|_| ()),
                        EIO
                    );
                    check_err!(
                        DmaNoncontiguous::<u8, _>::alloc(dma, len, ToDevice).map(|_| ()),
                        EIO
                    );
                    check_err!(
                        DmaCoherent::<[u8]>::zeroed_slice_large(dma, len, Gfp::Kernel).map(|_| ()),
                        EIO
                    );
                }
                Ok(())
            })
        })
    }

    #[test]
    fn no_address_left_is_enomem() -> Result {
        const LEN: usize = 256 << 10;

        on_pci(|dev| {
            dev.bind(|probe| {
                if c::dma_domain(probe.device()).is_none() {
                    return Ok(());
                }
                let dma = probe.dma(limits::<22>())?;
                let all = fill(dma, &[LEN])?;
                for way in Way::ALL {
                    let (_, result) = way.try_bytes(dma, LEN)?;
                    check!(result == Err(ENOMEM), "{way:?}: {result:?}");
                }
                check_err!(
                    DmaPages::<u8, _>::alloc(dma, LEN, ToDevice, Gfp::Kernel).map(|_| ()),
                    ENOMEM
                );
                check_err!(
                    DmaNoncontiguous::<u8, _>::alloc(dma, LEN, ToDevice).map(|_| ()),
                    ENOMEM
                );
                check_err!(
                    DmaCoherent::<[u8]>::zeroed_slice_large(dma, LEN, Gfp::Kernel).map(|_| ()),
                    ENOMEM
                );
                drop(all);
                // Otherwise they come back some time later.
                if c::strict_iommu(dma.device()) {
                    for way in Way::ALL {
                        check_eq!(way.try_bytes(dma, LEN)?.1, Ok(()));
                    }
                }
                Ok(())
            })
        })
    }

    /// Maps a table that was built before, and checks what comes of it.
    fn kept_is(
        dma: DmaDevice<'_>,
        kept: Prebuilt<KVec<u8>>,
        bounced: Result,
    ) -> Result<Prebuilt<KVec<u8>>> {
        let translated = c::dma_domain(dma.device()).is_some();
        let in_place = translated || !c::must_bounce(dma.device(), kept.buffer());
        match SgMapping::map(dma, kept, ToDevice, Idle, Gfp::Kernel) {
            Ok(mapping) => {
                check!(in_place || bounced == Ok(()));
                Ok(mapping.unmap()?)
            }
            Err(MapError { error, buffer }) => {
                check!(!in_place && bounced == Err(error), "{error:?}");
                Ok(buffer)
            }
        }
    }

    /// The kernel makes more bounce pools when one is full, and hands out the newest first.
    #[test]
    fn pools_that_grow_out_of_reach_are_eio() -> Result {
        each_dma(limits::<28>(), |dma| {
            if reachable(dma).is_err() {
                return Ok(());
            }
            let kept = Prebuilt::new(dma, bytes(5000)?, Gfp::Kernel)?;
            let kept = kept_is(dma, kept, Ok(()))?;

            let kept = c::with_far_pool(dma.device(), |is_far| {
                let bounced = if is_far { Err(EIO) } else { Ok(()) };
                for len in [1, 5000, 65536] {
                    each_way(dma, len, |_| bounced)?;
                }
                kept_is(dma, kept, bounced)
            })?;
            kept_is(dma, kept, Ok(()))?;
            each_way(dma, 5000, |_| Ok(()))
        })
    }

    /// With a small pool, the kernel really makes others.
    #[test]
    fn pieces_held_one_after_another_meet_errors_only() -> Result {
        const SIZE: usize = 64 << 10;

        each_dma(limits::<28>(), |dma| {
            let mut all = KVec::new();
            let mut refused = 0;
            for _ in 0..(c::total_memory() / 10 / SIZE).min(400) {
                let pages = Pages::zeroed(4, Gfp::Kernel)?;
                match DmaMapping::map(dma, pages, Bidirectional, Idle, PLAIN) {
                    Ok(mapping) => all.push(mapping, GFP_KERNEL)?,
                    Err(MapError { error, .. }) => {
                        check!(
                            error == EIO || error == ENOMEM,
                            "{error:?} with {} mapped",
                            all.len()
                        );
                        refused += usize::from(error == EIO);
                    }
                }
            }
            pr_info!("    # {} mapped, {refused} refused for good\n", all.len());
            if c::dma_domain(dma.device()).is_none() && reachable(dma).is_err() {
                each_way(dma, SIZE, |_| Err(EIO))?;
            }
            Ok(())
        })
    }
}
