// SPDX-License-Identifier: GPL-2.0

//! [`MapOptions`]: the attributes go to map and to unmap, and take effect.

use super::*;
use crate::{
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    mapping::with_mapped,
    Bidirectional,
    FromDevice, //
    MapError,
};

#[kunit_tests(dma_map_mapping_options)]
mod tests {
    use super::*;

    /// misuse: free-different-attributes
    #[test]
    fn each_option_maps_and_unmaps() -> Result {
        each_dma(ALL, |dma| {
            for options in [
                MapOptions::default(),
                PLAIN.weak_ordering(),
                PLAIN.privileged(),
                PLAIN.weak_ordering().privileged(),
            ] {
                let map = || -> Result<_> {
                    let buffer = KVec::<u8>::sample(9000, 1)?;
                    Ok(DmaMapping::map(dma, buffer, Bidirectional, Idle, options)?)
                };
                // DMA debugging compares what unmap gets.
                check!(map()?.unmap()?.holds(1));
                check!(map()?.complete()?.unmap().holds(1));
                check!(map()?.complete_range(1..2)?.unmap().holds(1));
                drop(map()?);
                drop(map()?.complete()?.give(Idle));

                let buffer = KVec::<u8>::sample(9000, 1)?;
                drop(DmaMapping::map_cpu(dma, buffer, FromDevice, options)?);
                let mut buffer = KVec::<u8>::sample(9000, 1)?;
                with_mapped(dma, &mut buffer[..], FromDevice, Idle, options, |_| Ok(()))?;
                check!(buffer.holds(1));
            }
            Ok(())
        })
    }

    #[test]
    fn what_must_be_coherent_is_in_place_or_eio() -> Result {
        each_dma(ALL, |dma| {
            let options = PLAIN.require_coherent();
            for len in SIZES {
                let buffer = KVec::<u8>::sample(len, 1)?;
                let place = buffer.place();
                let plain = map_single(dma, buffer, Bidirectional, Idle)?;
                let bounces = !in_place(&plain, place);
                let buffer = plain.unmap()?;

                match DmaMapping::map(dma, buffer, Bidirectional, Idle, options) {
                    Ok(mapping) => {
                        check!(!bounces && in_place(&mapping, place));
                        let mapping = mapping.complete()?.give(Idle);
                        check!(mapping.unmap()?.holds(1));
                    }
                    Err(MapError { error, buffer }) => {
                        check!(bounces, "{error:?}, although nothing bounces");
                        check_eq!(error, EIO);
                        check!(buffer.holds(1));
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
            let buffer = KVec::<u8>::sample(100, 1)?;
            let options = PLAIN.require_coherent();
            let failed = DmaMapping::map(dma, buffer, FromDevice, Idle, options);
            check_err!(failed.map(|_| ()), EIO);
            Ok(())
        })
    }
}
