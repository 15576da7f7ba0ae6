// SPDX-License-Identifier: GPL-2.0

//! [`BusMaster`]: the bit in the function's command register.

use crate::{
    check::*,
    context,
    fixture::*, //
};
use dma_map::pci::BusMaster;
use kernel::{
    bindings,
    device::Bound,
    pci,
    prelude::*, //
};

/// Reads the bit from the function's configuration space.
fn is_master(pdev: &pci::Device<Bound>) -> Result<bool> {
    let mut command = 0;
    // SAFETY: `pci::Device` is a transparent wrapper of the C structure, and the device is bound.
    let ret = unsafe {
        bindings::pci_read_config_word(
            core::ptr::from_ref(pdev).cast_mut().cast(),
            bindings::PCI_COMMAND as c_int,
            &mut command,
        )
    };
    check_eq!(ret, 0);
    Ok(command & bindings::PCI_COMMAND_MASTER as u16 != 0)
}

/// Runs `f` in `probe` of the PCI function.
fn with_function(f: fn(&pci::Device<Bound>) -> Result) -> Result {
    on_pci(|dev| {
        dev.bind(|probe| {
            let pdev = probe.pci().ok_or(ENODEV)?;
            pdev.enable_device_mem()?;
            f(pdev)
        })
    })
}

#[kunit_tests(dma_map_bus_master)]
mod tests {
    use super::*;

    #[test]
    fn bus_mastering_is_on_until_the_drop() -> Result {
        with_function(|pdev| {
            check!(!is_master(pdev)?);
            let master = BusMaster::new(pdev);
            check!(is_master(pdev)?);
            drop(master);
            check!(!is_master(pdev)?);
            Ok(())
        })
    }

    #[test]
    fn bus_mastering_goes_off_and_on() -> Result {
        with_function(|pdev| {
            let master = BusMaster::new(pdev);
            for _ in 0..2 {
                master.disable();
                check!(!is_master(pdev)?);
                master.disable();
                check!(!is_master(pdev)?);
                master.enable();
                check!(is_master(pdev)?);
                master.enable();
                check!(is_master(pdev)?);
            }
            Ok(())
        })
    }

    #[test]
    fn bus_mastering_is_switched_in_atomic_context() -> Result {
        with_function(|pdev| {
            let master = context::spinlocked(|| BusMaster::new(pdev));
            check!(is_master(pdev)?);
            context::irqs_off(|| master.disable());
            check!(!is_master(pdev)?);
            context::hard_irq(|| master.enable())?;
            check!(is_master(pdev)?);
            context::hard_irq(|| drop(master))?;
            check!(!is_master(pdev)?);
            Ok(())
        })
    }

    #[test]
    fn bus_mastering_ends_with_the_binding() -> Result {
        on_pci(|dev| {
            dev.bind(|probe| {
                let pdev: &pci::Device<Bound> = probe.pci().ok_or(ENODEV)?;
                probe.keep(BusMaster::new(pdev))?;
                check!(is_master(pdev)?);
                Ok(())
            })?;
            dev.unbind();
            dev.bind(|probe| {
                check!(!is_master(probe.pci().ok_or(ENODEV)?)?);
                Ok(())
            })
        })
    }
}
