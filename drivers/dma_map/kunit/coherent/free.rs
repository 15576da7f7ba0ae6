// SPDX-License-Identifier: GPL-2.0

//! Drop of coherent memory: calls of the engine, in any context.

use super::*;
use crate::{
    c,
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::state::Shared;
use kernel::{
    page::PAGE_SIZE,
    sync::Arc, //
};

/// Drops shared memory of some sizes by `drop_it`, with the engine's help if `stopped`.
fn dropped(busy: bool, drop_it: fn(DmaCoherent<'_, [u8], Shared<&Scripted>>) -> Result) -> Result {
    each_probe(|probe| {
        let dma = probe.dma(ALL)?;
        for size in [1, PAGE_SIZE, PAGE_SIZE + 1, 65537] {
            let engine = if busy {
                Scripted::busy()
            } else {
                Scripted::idle()
            };
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel)?;
            drop_it(memory.give(&engine))?;
            check!(engine.asked() > 0);
            check_eq!(engine.stopped(), u32::from(busy));
        }
        check_eq!(dma.quarantined(), 0);
        Ok(())
    })
}

#[kunit_tests(dma_map_coherent_free)]
mod tests {
    use super::*;

    #[test]
    fn idle_device_is_not_stopped() -> Result {
        dropped(false, |memory| {
            drop(memory);
            Ok(())
        })
    }

    #[test]
    fn busy_device_is_stopped_once() -> Result {
        dropped(true, |memory| {
            drop(memory);
            Ok(())
        })
    }

    #[test]
    fn freed_memory_is_out_of_the_devices_reach() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 9000, Gfp::Kernel)?.give(Idle);
            let address = memory.dma_address();
            device_side::write(dma, address, &[1])?;
            drop(memory);
            if c::strict_iommu(probe.device()) {
                check_err!(device_side::write(dma, address, &[1]), EFAULT);
            }
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/DmaCoherent
    #[test]
    fn drop_under_a_spinlock_is_put_off() -> Result {
        dropped(false, |memory| {
            context::spinlocked(|| drop(memory));
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/DmaCoherent
    #[test]
    fn drop_with_irqs_off_is_put_off() -> Result {
        dropped(true, |memory| {
            let ((), were_off) = context::irqs_off(|| drop(memory));
            check!(were_off);
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/DmaCoherent
    #[test]
    fn drop_in_a_hard_irq_is_put_off() -> Result {
        dropped(true, |memory| context::hard_irq(|| drop(memory)))
    }

    /// misuse: pending-at-release
    #[test]
    fn what_was_put_off_is_freed_before_unbind_ends() -> Result {
        each(|dev| {
            // Many, so that some are still in the queue when the device is unbound. A platform
            // device's leaks show in the mappings that are left when the module is gone.
            let mut last = 0;
            let mut seen = false;
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let mut all = KVec::new();
                for _ in 0..200 {
                    let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?;
                    all.push(memory.give(Idle), GFP_KERNEL)?;
                }
                last = all.last().map_or(0, |memory| memory.dma_address());
                seen = c::strict_iommu(probe.device());
                while let Some(memory) = all.pop() {
                    context::irqs_off(|| drop(memory));
                }
                check_eq!(dma.quarantined(), 0);
                Ok(())
            })?;
            dev.unbind();

            // Nothing is mapped in a new binding.
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                if seen {
                    check_err!(device_side::write(dma, last, &[1]), EFAULT);
                }
                Ok(())
            })
        })
    }

    /// misuse: unbind-with-live-handles/DmaCoherent
    #[test]
    fn driver_data_is_freed_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            engine.start();
            let before = engine.stopped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let exclusive = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?;
                let shared = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?;
                probe.keep(exclusive)?;
                probe.keep(shared.give(engine.clone()))
            })?;
            check_eq!(engine.stopped(), before);
            dev.unbind();
            check_eq!(engine.stopped(), before + 1);
            Ok(())
        })
    }
}
