// SPDX-License-Identifier: GPL-2.0

//! Owners of handles, kept in a driver's data, or dropped in atomic context.

use super::*;
use crate::{
    c,
    context, //
};
use kernel::sync::Arc;

type Busy = Arc<Scripted>;

/// Binds each device, keeps what `keep` makes, and unbinds it: the device is stopped first, and does
/// not reach the memory afterwards.
fn kept(
    keep: impl for<'b, 'c> Fn(&mut Probe<'b, 'c>, DmaDevice<'b>, Busy) -> Result<Option<DmaAddress>>,
) -> Result {
    each(|dev| {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        let mut place = None;
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            place = keep(probe, dma, engine.clone())?;
            Ok(())
        })?;
        check_eq!(engine.stopped(), 0);
        dev.unbind();
        let Some(address) = place else {
            return Ok(());
        };
        check_eq!(engine.stopped(), 1);
        check!(Arc::into_unique_or_drop(engine).is_some());

        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            if c::strict_iommu(probe.device()) {
                check_eq!(c::dma_to_phys(probe.device(), address), 0);
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    })
}

#[kunit_tests(dma_map_handles_kept)]
mod tests {
    use super::*;

    /// misuse: unbind-with-live-handles/Mmap
    #[test]
    fn memory_of_processes() -> Result {
        kept(|probe, dma, engine| {
            let memory = Mmap::new(shared(dma, PAGE_SIZE, engine)?)?;
            let address = memory.dma_address();
            probe.keep(memory)?;
            Ok(Some(address))
        })
    }

    /// misuse: unbind-with-live-handles/InMemory
    #[test]
    fn counters_of_a_ring() -> Result {
        kept(|probe, dma, engine| {
            let counters = counters(dma, engine)?;
            let address = counters.dma_address();
            probe.keep(counters)?;
            Ok(Some(address))
        })
    }

    /// misuse: unbind-with-live-handles/Producer
    #[test]
    fn ring_that_the_cpu_fills() -> Result {
        kept(|probe, dma, engine| {
            let ring = producer(dma, engine)?;
            let address = ring.dma_address();
            probe.keep(ring)?;
            Ok(Some(address))
        })
    }

    /// misuse: unbind-with-live-handles/Consumer
    #[test]
    fn ring_that_the_device_fills() -> Result {
        kept(|probe, dma, engine| {
            let ring = consumer(dma, engine)?;
            let address = ring.dma_address();
            probe.keep(ring)?;
            Ok(Some(address))
        })
    }

    /// misuse: unbind-with-live-handles/DescriptorRing
    #[test]
    fn ring_whose_slots_own_memory() -> Result {
        kept(|probe, dma, engine| {
            let ring = descriptors(dma, engine)?;
            let address = ring.dma_address();
            probe.keep(ring)?;
            Ok(Some(address))
        })
    }

    /// misuse: unbind-with-live-handles/SubmissionQueue
    #[test]
    fn queue_that_the_cpu_fills() -> Result {
        kept(|probe, dma, engine| {
            let queue = submissions(dma, engine)?;
            let address = queue.dma_address();
            probe.keep(queue)?;
            Ok(Some(address))
        })
    }

    #[test]
    fn queue_that_the_device_fills() -> Result {
        kept(|probe, dma, engine| {
            let queue = completions(dma, engine)?;
            let address = queue.dma_address();
            probe.keep(queue)?;
            Ok(Some(address))
        })
    }

    /// misuse: unbind-with-live-handles/Commands
    #[test]
    fn commands_under_way() -> Result {
        kept(|probe, dma, engine| {
            // The queue of completions, which ends first, stops nothing.
            engine.finish();
            let commands = commands(dma, engine.clone())?;
            engine.start();
            let address = commands.dma_address();
            probe.keep(commands)?;
            Ok(Some(address))
        })
    }

    /// misuse: drop-with-irqs-off/DescriptorRing, drop-with-irqs-off/SubmissionQueue
    /// misuse: drop-with-irqs-off/Commands
    #[test]
    fn rings_that_own_memory_are_dropped_in_any_context() -> Result {
        each_dma(ALL, |dma| {
            let make = || -> Result<_> {
                Ok((
                    descriptors(dma, Idle)?,
                    submissions(dma, Idle)?,
                    completions(dma, Idle)?,
                    commands(dma, Idle)?,
                ))
            };
            let mut rings = [make()?, make()?, make()?].into_iter();
            context::each_atomic(&mut || {
                drop(rings.next());
                Ok(())
            })?;
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/Producer, drop-with-irqs-off/Consumer
    /// misuse: drop-with-irqs-off/InMemory
    #[test]
    fn rings_are_dropped_in_any_context() -> Result {
        each_dma(ALL, |dma| {
            let make = || -> Result<_> {
                Ok((
                    producer(dma, Idle)?,
                    consumer(dma, Idle)?,
                    counters(dma, Idle)?,
                ))
            };
            let mut rings = [make()?, make()?, make()?].into_iter();
            context::each_atomic(&mut || {
                drop(rings.next());
                Ok(())
            })?;
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }
}
