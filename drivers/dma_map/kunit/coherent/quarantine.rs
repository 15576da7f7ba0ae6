// SPDX-License-Identifier: GPL-2.0

//! Quarantine of coherent memory.
//!
//! For each binding, without memory to defer a free, and beyond the binding.

use super::*;
use crate::{
    context,
    engines::{
        Idle,
        Scripted, //
    },
    faults,
    fixture::*, //
};
use core::mem::ManuallyDrop;
use dma_map::{
    state::Shared,
    Engine, //
};
use kernel::{
    bindings,
    dma::DmaAddress, //
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

    /// Frees the memory, so that nothing is left when the suites are done, unless unbind will.
    fn free(self, probe: &Probe<'_, '_>) {
        if !probe.gives_back() {
            self.free_now(probe.raw());
        }
    }

    fn free_now(self, dev: *mut bindings::device) {
        // SAFETY: The arguments are those of the allocation, whose handle was leaked.
        unsafe { bindings::dma_free_attrs(dev, self.size, self.cpu, self.dma, 0) }
    }
}

#[kunit_tests(dma_map_coherent_quarantine)]
mod tests {
    use super::*;

    #[test]
    fn free_that_cannot_be_put_off_is_a_quarantine() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 5000, Gfp::Kernel)?.give(Idle);
            let remains = Remains::of(&memory);
            match faults::failing(1, || context::spinlocked(|| drop(memory))) {
                None => skip(c"no fault injection"),
                Some(((), failed)) => {
                    check!(failed, "nothing was allocated to put the free off");
                    check_eq!(dma.quarantined(), 5000);
                    remains.free(probe);
                }
            }
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
                    let memory = memory.give(&engine);
                    let remains = Remains::of(&memory);
                    drop(memory);
                    check_eq!(dma.quarantined(), 5);
                    remains.free(probe);
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
            let memory = ManuallyDrop::new(memory.give(Idle));
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
            remains.free_now(raw);
        }
        Ok(())
    }
}
