// SPDX-License-Identifier: GPL-2.0

//! `into_addresses`: a mapping that keeps only its addresses.

mod list;

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    faults,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

fn keeps_its_addresses<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let buffer = B::sample(70_000, 1)?;
    let identity = buffer.identity();
    let mapping = map_sg(dma, buffer, FromDevice, &engine)?;
    let size = mapping.size();
    let mut before = KVec::new();
    for segment in mapping.segments() {
        before.push(segment, GFP_KERNEL)?;
    }
    let pages = mapping.dma_pages(PAGE_SIZE).map(|pages| pages.len());
    device_side::fill(&mapping, 2)?;

    let addresses = mapping.into_addresses(Gfp::Kernel)?;
    check_eq!(addresses.size(), size);
    check!(addresses.segments().eq(before.iter().copied()));
    check!(addresses
        .segments()
        .split(100)?
        .all(|segment| segment.len <= 100));
    check!(addresses.dma_pages(PAGE_SIZE).map(|pages| pages.len()) == pages);

    let addresses = refused(addresses.unmap())?;
    check!(addresses.segments().eq(before));
    engine.finish();
    let buffer = addresses.unmap()?;
    check_eq!(engine.stopped(), 0);
    check_eq!(buffer.identity(), identity);
    check!(buffer.holds(2), "what the device wrote is not there");
    Ok(())
}

#[kunit_tests(dma_map_sg_addresses)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_buffer_stay() -> Result {
        each(|dev| {
            for max in [512, 65535] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(max))?;
                    each_buffer!(keeps_its_addresses(dma))
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn mapping_comes_back_without_memory() -> Result {
        each_dma(ALL.max_segment_size(512), |dma| {
            let buffer = VVec::<u8>::sample(70_000, 1)?;
            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
            let count = mapping.segments().count();
            match faults::failing(1, || mapping.into_addresses(Gfp::Nowait)) {
                None => skip(c"no fault injection"),
                // A kernel that debugs DMA wants the table back.
                Some((Ok(addresses), failed)) => {
                    check!(!failed);
                    check_eq!(addresses.segments().count(), count);
                    check!(addresses.unmap()?.holds(1));
                }
                Some((Err(failed), _)) => {
                    check_eq!(failed.error, ENOMEM);
                    check_eq!(failed.buffer.segments().count(), count);
                    check!(failed.buffer.unmap()?.holds(1));
                }
            }
            Ok(())
        })
    }
}
