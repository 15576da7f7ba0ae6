// SPDX-License-Identifier: GPL-2.0

//! Deferred free of coherent memory.

use super::*;
use crate::{
    c,
    context,
    device_side,
    engines::Idle,
    fixture::*, //
};

#[kunit_tests(dma_map_coherent_free)]
mod tests {
    use super::*;

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
}
