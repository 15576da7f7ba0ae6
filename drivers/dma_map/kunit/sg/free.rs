// SPDX-License-Identifier: GPL-2.0

//! Free of the buffer of a scatter-gather mapping, which may be deferred.

use super::*;
use crate::{
    context,
    counted::{
        dropped,
        Counted, //
    },
    engines::Idle,
    fixture::*, //
};
use dma_map::ToDevice;

/// A buffer of `len` bytes that counts its drops.
fn counted(len: usize) -> Result<Counted<VVec<u8>>> {
    Ok(Counted(VVec::sample(len, 1)?))
}

#[kunit_tests(dma_map_sg_free)]
mod tests {
    use super::*;

    #[test]
    fn vmalloc_memory_of_a_kvvec_is_dropped_in_a_hard_irq() -> Result {
        each_dma(ALL, |dma| {
            let buffer = KVVec::from_elem(7u8, 5 << 20, GFP_KERNEL)?;
            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
            context::hard_irq(|| drop(mapping))
        })
    }

    #[test]
    fn buffers_are_dropped_once() -> Result {
        each_dma(ALL, |dma| {
            let before = dropped();
            let map = || -> Result<_> { map_sg(dma, counted(10)?, ToDevice, Idle) };
            let dropped = || dropped() - before;

            let mapping = map()?;
            check_eq!(dropped(), 0);
            drop(mapping);
            check_eq!(dropped(), 1);
            drop(map()?.complete()?);
            check_eq!(dropped(), 2);
            let buffer = map()?.complete()?.give(Idle).unmap()?;
            check_eq!(dropped(), 2);
            drop(buffer);
            check_eq!(dropped(), 3);
            drop(map()?.complete()?.unmap());
            check_eq!(dropped(), 4);
            Ok(())
        })
    }

    /// misuse: pending-at-release
    #[test]
    fn what_was_put_off_is_dropped_before_unbind_ends() -> Result {
        each(|dev| {
            let before = dropped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..200 {
                    let mapping = map_sg(dma, counted(3)?, ToDevice, Idle)?;
                    context::irqs_off(|| drop(mapping));
                }
                Ok(())
            })?;
            dev.unbind();
            check_eq!(dropped(), before + 200);
            Ok(())
        })
    }

    #[test]
    fn what_was_put_off_is_dropped_when_probe_fails() -> Result {
        each(|dev| {
            let before = dropped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..200 {
                    let mapping = map_sg(dma, counted(3)?, ToDevice, Idle)?;
                    context::irqs_off(|| drop(mapping));
                }
                probe.fail_probe();
                Ok(())
            })?;
            check_eq!(dropped(), before + 200);
            Ok(())
        })
    }
}
