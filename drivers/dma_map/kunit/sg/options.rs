// SPDX-License-Identifier: GPL-2.0

//! [`SgOptions`]: the attributes go to map and to unmap, and take effect.

use super::*;
use crate::{
    c,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    sg::SgOptions,
    Bidirectional,
    DmaDevice,
    FromDevice,
    IovaMapping,
    MapError,
    MapOptions, //
};

const PLAIN: MapOptions = MapOptions::new();

/// All that a driver may ask for at once, without a condition.
const EACH: [MapOptions; 3] = [
    PLAIN.weak_ordering(),
    PLAIN.privileged(),
    PLAIN.weak_ordering().privileged(),
];

/// Maps and unmaps in all ways; DMA debugging compares what unmap gets with what map got.
fn in_all_ways<B: Sample>(dma: DmaDevice<'_>, options: SgOptions) -> Result {
    let map = || -> Result<_> {
        let buffer = B::sample(9000, 1)?;
        Ok(SgMapping::map(dma, buffer, Bidirectional, Idle, options)?)
    };
    check!(map()?.unmap()?.holds(1));
    check!(map()?.complete()?.unmap().holds(1));
    drop(map()?);
    drop(map()?.complete()?.give(Idle));
    check!(map()?.into_addresses(Gfp::Kernel)?.unmap()?.holds(1));

    let map = || -> Result<_> {
        let buffer = B::sample(9000, 1)?;
        Ok(IovaMapping::map(dma, buffer, Bidirectional, Idle, options)?)
    };
    check!(map()?.unmap()?.holds(1));
    drop(map()?.complete()?.give(Idle));
    Ok(())
}

/// Returns whether the device reaches the buffer itself, and not a copy.
fn in_place<D: Direction, E: Engine>(
    mapping: &SgMapping<'_, KVec<u8>, D, Device<E>>,
    place: *const u8,
) -> bool {
    let dev = mapping.device().device();
    let mut offset = 0;
    mapping.segments().all(|segment| {
        let at = place.wrapping_add(offset);
        offset += segment.len as usize;
        core::ptr::eq(c::dma_to_virt(dev, segment.address), at)
    })
}

#[kunit_tests(dma_map_sg_options)]
mod tests {
    use super::*;

    #[test]
    fn each_option_maps_and_unmaps() -> Result {
        each_dma(ALL, |dma| {
            for options in EACH {
                each_buffer!(in_all_ways(dma, SgOptions::new(Gfp::Kernel).map(options)))?;
            }
            each_buffer!(in_all_ways(dma, Gfp::Kernel.into()))
        })
    }

    #[test]
    fn what_is_leaked_is_given_back_at_unbind_as_it_was_mapped() -> Result {
        where_it_is_given_back(|dev| {
            for options in EACH {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL)?;
                    let options = SgOptions::new(Gfp::Kernel).map(options);
                    let pages = PageList::sample(9000, 1)?;
                    // DMA debugging complains of what is left, and of other attributes.
                    core::mem::forget(SgMapping::map(dma, pages, FromDevice, Idle, options)?);
                    Ok(())
                })?;
                dev.unbind();
            }
            Ok(())
        })
    }

    #[test]
    fn what_must_be_coherent_is_in_place_or_eio() -> Result {
        each_dma(ALL.max_segment_size(3000), |dma| {
            let options = SgOptions::new(Gfp::Kernel).map(PLAIN.require_coherent());
            for len in SIZES {
                let buffer = KVec::<u8>::sample(len, 1)?;
                let place = buffer.as_ptr();
                let plain = map_sg(dma, buffer, Bidirectional, Idle)?;
                let bounces = !in_place(&plain, place);
                let buffer = plain.unmap()?;

                let buffer = match SgMapping::map(dma, buffer, Bidirectional, Idle, options) {
                    Ok(mapping) => {
                        check!(!bounces && in_place(&mapping, place));
                        mapping.complete()?.give(Idle).unmap()?
                    }
                    Err(MapError { error, buffer }) => {
                        check!(bounces, "{error:?}, although nothing bounces");
                        check_eq!(error, EIO);
                        buffer
                    }
                };
                match IovaMapping::map(dma, buffer, Bidirectional, Idle, options) {
                    Ok(mapping) => check!(!bounces && mapping.unmap()?.holds(1)),
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        check!(bounces && buffer.holds(1));
                    }
                }
            }
            Ok(())
        })
    }

    #[test]
    fn what_must_be_coherent_and_is_out_of_reach_is_eio() -> Result {
        // On the platform bus: an IOMMU would help.
        TestDevice::platform()?.bind(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<24>()))?;
            let options = SgOptions::new(Gfp::Kernel).map(PLAIN.require_coherent());
            let buffer = VVec::<u8>::sample(9000, 1)?;
            match SgMapping::map(dma, buffer, FromDevice, Idle, options) {
                Ok(_) => Err(EEXIST),
                Err(MapError { error, buffer }) => {
                    check_eq!(error, EIO);
                    check!(buffer.holds(1));
                    Ok(())
                }
            }
        })
    }
}
