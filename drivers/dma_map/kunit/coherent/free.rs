// SPDX-License-Identifier: GPL-2.0

//! The drop of a handle: what the engine is asked, where it is legal, and what is left of memory
//! that must not be freed.

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
use core::mem::ManuallyDrop;
use dma_map::{
    state::Shared,
    Engine, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    sync::Arc, //
};

/// What is left of a handle that is gone, and how to free it in spite of that.
struct Remains {
    cpu: *mut c_void,
    dma: DmaAddress,
    size: usize,
}

impl Remains {
    fn of<E: Engine>(handle: &DmaCoherent<'_, [u8], Shared<E>>) -> Self {
        // A view does not tell where the memory is for the CPU, but its backend does.
        let cpu = <dma_map::view::CoherentBackend as kernel::io::IoBackend>::as_ptr(handle.view());
        Self {
            cpu: cpu.cast(),
            dma: handle.dma_address(),
            size: handle.size(),
        }
    }

    /// Frees the memory, so that nothing is left when the suites are done.
    fn free(self, dev: *mut bindings::device) {
        // SAFETY: The arguments are those of the allocation, whose handle was leaked.
        unsafe { bindings::dma_free_attrs(dev, self.size, self.cpu, self.dma, 0) }
    }
}

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
            drop_it(memory.share(&engine))?;
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
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 9000, Gfp::Kernel)?.share(Idle);
            let address = memory.dma_address();
            device_side::write(dma, address, &[1])?;
            drop(memory);
            if c::strict_iommu(probe.device()) {
                check_err!(device_side::write(dma, address, &[1]), EFAULT);
            }
            Ok(())
        })
    }

    #[test]
    fn drop_under_a_spinlock_is_put_off() -> Result {
        dropped(false, |memory| {
            context::spinlocked(|| drop(memory));
            Ok(())
        })
    }

    #[test]
    fn drop_with_irqs_off_is_put_off() -> Result {
        dropped(true, |memory| {
            let ((), were_off) = context::irqs_off(|| drop(memory));
            check!(were_off);
            Ok(())
        })
    }

    #[test]
    fn drop_in_a_hard_irq_is_put_off() -> Result {
        dropped(true, |memory| context::hard_irq(|| drop(memory)))
    }

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
                    all.push(memory.share(Idle), GFP_KERNEL)?;
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
                probe.keep(shared.share(engine.clone()))
            })?;
            check_eq!(engine.stopped(), before);
            dev.unbind();
            check_eq!(engine.stopped(), before + 1);
            Ok(())
        })
    }

    #[test]
    fn stuck_device_quarantines_the_bytes() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::stuck();
            let mut bytes = 0;
            for size in [1, 7, PAGE_SIZE, 3 * PAGE_SIZE + 1] {
                let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel)?;
                let memory = memory.share(&engine);
                let remains = Remains::of(&memory);
                let stopped = engine.stopped();
                drop(memory);
                bytes += size;
                check_eq!(engine.stopped(), stopped + 1);
                check_eq!(dma.quarantined(), bytes);
                remains.free(probe.raw());
            }

            // What the CPU has to itself is not the stuck device's.
            drop(DmaCoherent::<u64>::zeroed(dma, Gfp::Kernel)?);
            check_eq!(dma.quarantined(), bytes);
            Ok(())
        })
    }

    #[test]
    fn quarantine_works_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::stuck();
            let mut all = KVec::new();
            for _ in 0..3 {
                let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 10, Gfp::Kernel)?;
                let memory = memory.share(&engine);
                let remains = Remains::of(&memory);
                all.push((memory, remains), GFP_KERNEL)?;
            }
            let mut next = || all.pop().ok_or(EINVAL);

            let (memory, remains) = next()?;
            context::spinlocked(|| drop(memory));
            remains.free(probe.raw());
            let (memory, remains) = next()?;
            context::irqs_off(|| drop(memory));
            remains.free(probe.raw());
            let (memory, remains) = next()?;
            context::hard_irq(|| drop(memory))?;
            remains.free(probe.raw());

            check_eq!(dma.quarantined(), 30);
            Ok(())
        })
    }

    #[test]
    fn quarantined_memory_is_not_used_again() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::stuck();
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 2 * PAGE_SIZE, Gfp::Kernel)?;
            let memory = memory.share(&engine);
            let remains = Remains::of(&memory);
            drop(memory);

            // The device still writes, and nobody else finds it.
            let mut data = KVec::from_elem(0, 2 * PAGE_SIZE, GFP_KERNEL)?;
            fill(&mut data, 0x77);
            device_side::write(dma, remains.dma, &data)?;
            for _ in 0..10 {
                soil(dma, 2 * PAGE_SIZE)?;
                data.fill(0);
                device_side::read(dma, remains.dma, &mut data)?;
                check_holds(&data, 0x77)?;
            }
            remains.free(probe.raw());
            Ok(())
        })
    }

    #[test]
    fn quarantine_is_counted_for_each_binding() -> Result {
        each(|dev| {
            for _ in 0..2 {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL)?;
                    let engine = Scripted::stuck();
                    check_eq!(dma.quarantined(), 0);
                    let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 5, Gfp::Kernel)?;
                    let memory = memory.share(&engine);
                    let remains = Remains::of(&memory);
                    drop(memory);
                    check_eq!(dma.quarantined(), 5);
                    remains.free(probe.raw());
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn leaked_handle_outlives_its_binding_without_harm() -> Result {
        // On the platform bus: on PCI, DMA debugging rightly complains of a leak at unbind.
        let dev = TestDevice::platform()?;
        let mut left = None;
        dev.bind(|probe| {
            let memory = DmaCoherent::<[u8]>::zeroed_slice(probe.dma(ALL)?, 5000, Gfp::Kernel)?;
            let memory = ManuallyDrop::new(memory.share(Idle));
            left = Some((Remains::of(&memory), probe.raw()));
            Ok(())
        })?;
        dev.unbind();

        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            check_eq!(dma.quarantined(), 0);
            soil(dma, 5000)
        })?;
        if let Some((remains, raw)) = left {
            remains.free(raw);
        }
        Ok(())
    }
}
