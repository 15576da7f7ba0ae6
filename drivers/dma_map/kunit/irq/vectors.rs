// SPDX-License-Identifier: GPL-2.0

//! Allocation of vectors: how many, of which kind, for which CPUs.

use super::*;
use crate::faults;
use kernel::{
    bindings,
    cpumask::Cpumask,
    pci,
    pci::IrqTypes, //
};

fn len(scope: Scope<'_>, options: VectorOptions) -> Result<usize> {
    Vectors::alloc(scope, options).map(|vectors| vectors.len())
}

/// The CPUs that there may ever be.
fn possible() -> &'static Cpumask {
    // SAFETY: The mask is a static variable, which does not change after boot.
    unsafe { Cpumask::from_raw(&raw const bindings::__cpu_possible_mask) }
}

/// Iterates over the CPUs of `mask`.
fn cpus(mask: &Cpumask) -> impl Iterator<Item = CpuId> + '_ {
    (0..kernel::cpu::nr_cpu_ids())
        .filter_map(CpuId::from_u32)
        .filter(|cpu| mask.test(*cpu))
}

/// Allocates the vectors, when a workqueue has freed them.
fn when_free(scope: Scope<'_>) -> Result<Vectors<'_>> {
    let mut vectors = Err(EBUSY);
    wait_until(|| {
        vectors = Vectors::alloc(scope, ALL_VECTORS);
        !matches!(&vectors, Err(err) if *err == EBUSY)
    });
    vectors
}

#[kunit_tests(dma_map_irq_vectors)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_as_are_wanted_and_there_are() -> Result {
        with_nic(|_, scope| {
            for max in [1, 2, 4, 10] {
                let vectors = Vectors::alloc(scope, VectorOptions::new(1, max))?;
                check_eq!(vectors.len(), max as usize);
                check!(matches!(vectors.kind(), IrqType::MsiX));
                for index in 1..vectors.len() {
                    check!(vectors.irq(index)? != vectors.irq(index - 1)?);
                }
                check_err!(vectors.irq(vectors.len()), EINVAL);
                check_err!(vectors.affinity(vectors.len()).map(|_| ()), EINVAL);
                check!(vectors.affinity(0)?.is_none());
            }
            check_eq!(len(scope, VectorOptions::new(1, 64))?, MSIX);
            check_err!(len(scope, VectorOptions::new(11, 64)), ENOSPC);
            check_eq!(len(scope, ALL_VECTORS)?, MSIX);
            Ok(())
        })
    }

    #[test]
    fn each_kind_is_what_comes_if_it_is_the_only_one() -> Result {
        with_nic(|_, scope| {
            let many = VectorOptions::new(1, 10);

            let vectors = Vectors::alloc(scope, many.only(IrqType::Msi))?;
            check!(matches!(vectors.kind(), IrqType::Msi));
            check_eq!(vectors.len(), 1);
            drop(vectors);

            let vectors = Vectors::alloc(scope, many.only(IrqType::Intx))?;
            check!(matches!(vectors.kind(), IrqType::Intx));
            check_eq!(vectors.len(), 1);
            let mask = vectors.affinity(0)?.ok_or(EINVAL)?;
            check_eq!(mask.weight(), possible().weight());
            drop(vectors);

            let vectors = Vectors::alloc(scope, many.without(IrqType::MsiX).spread(0, 0))?;
            check!(matches!(vectors.kind(), IrqType::Msi));
            Ok(())
        })
    }

    #[test]
    fn intx_is_one_vector_and_fewer_than_two() -> Result {
        with_nic(|_, scope| {
            let intx = |min| VectorOptions::new(min, 4).only(IrqType::Intx);
            check_eq!(len(scope, intx(1))?, 1);
            check_eq!(len(scope, intx(1).spread(0, 0))?, 1);
            check_eq!(len(scope, intx(1).spread(1, 0))?, 1);
            check_err!(len(scope, intx(2)), ENOSPC);
            Ok(())
        })
    }

    #[test]
    fn impossible_options_are_refused() -> Result {
        with_nic(|_, scope| {
            let one = VectorOptions::new(1, 1);
            check_err!(len(scope, VectorOptions::new(0, 4)), EINVAL);
            check_err!(len(scope, VectorOptions::new(4, 3)), ERANGE);
            check_err!(len(scope, VectorOptions::new(1, u32::MAX)), ERANGE);
            check_err!(
                len(scope, one.only(IrqType::Msi).without(IrqType::Msi)),
                EINVAL
            );
            check_err!(len(scope, one.spread(u32::MAX, 1)), ERANGE);
            // More left out than must come. C would give the INTx line.
            for options in [one, VectorOptions::new(1, 8), one.only(IrqType::MsiX)] {
                check_err!(len(scope, options.spread(1, 1)), ERANGE);
                check_err!(
                    len(scope, options.without(IrqType::Intx).spread(1, 1)),
                    ERANGE
                );
            }
            check_eq!(len(scope, VectorOptions::new(2, 2).spread(1, 1))?, 2);
            check_eq!(len(scope, one)?, 1);
            Ok(())
        })
    }

    #[test]
    fn error_of_the_messages_is_not_that_of_the_line() -> Result {
        with_nic(|nic, scope| {
            let raw: *mut bindings::pci_dev = nic.raw();
            // SAFETY: The device is bound, and the case has it to itself.
            unsafe { (*raw).set_no_msi(1) };
            let two = len(scope, VectorOptions::new(2, 4));
            let one = len(scope, VectorOptions::new(1, 4));
            let none = len(scope, VectorOptions::new(1, 4).without(IrqType::Intx));
            // SAFETY: The device is bound, and the case has it to itself.
            unsafe { (*raw).set_no_msi(0) };
            // Not `ENOSPC`: the line was not asked for.
            check_err!(two, EINVAL);
            check_eq!(one?, 1);
            check_err!(none, EINVAL);
            Ok(())
        })
    }

    #[test]
    fn each_allocation_may_fail() -> Result {
        with_nic(|nic, scope| {
            // What C keeps from then on may fail in other ways.
            drop(Vectors::alloc(scope, ALL_VECTORS)?);
            for options in [ALL_VECTORS, ALL_VECTORS.spread(1, 1)] {
                for n in 1..200 {
                    match faults::failing(n, || len(scope, options)) {
                        None | Some((_, false)) => break,
                        // Without memory for the masks the vectors are not spread.
                        Some((result, true)) => check!(!matches!(result, Ok(len) if len != MSIX)),
                    }
                    check_eq!(len(scope, options)?, MSIX);
                }
            }
            check_all_arrive(nic, scope)
        })
    }

    #[test]
    fn device_on_another_bus_has_no_vectors() -> Result {
        TestDevice::platform()?.bind(|probe| {
            let vectors = Vectors::alloc(probe.scope(ALL)?, VectorOptions::new(1, 1));
            check_err!(vectors.map(|_| ()), EINVAL);
            Ok(())
        })
    }

    #[test]
    fn one_allocation_at_a_time() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
            check_err!(len(scope, ALL_VECTORS), EBUSY);
            let clone = vectors.clone();
            drop(vectors);
            check_err!(len(scope, ALL_VECTORS), EBUSY);
            // A handler holds them as well.
            let one = Counted::new(&clone, 1)?;
            drop(clone);
            check_err!(len(scope, ALL_VECTORS), EBUSY);
            drop(one);
            check_all_arrive(nic, scope)
        })
    }

    #[test]
    fn vectors_of_the_kernel_crate_are_not_taken_for_ours() -> Result {
        on_igb(|dev| {
            dev.bind(|probe| {
                let pdev = probe.pci().ok_or(ENODEV)?;
                let nic = Nic::new(pdev)?;
                let scope = probe.scope(ALL)?;
                let pdev: &pci::Device<kernel::device::Bound> = pdev;
                for kind in [IrqType::MsiX, IrqType::Msi] {
                    let other = pdev.alloc_irq_vectors(1, 1, IrqTypes::default().with(kind))?;
                    check_err!(len(scope, ALL_VECTORS), EBUSY);
                    drop(other);
                }
                check_all_arrive(&nic, scope)
            })
        })
    }

    #[test]
    fn vectors_are_spread_over_the_cpus() -> Result {
        with_nic(|nic, scope| {
            let options = VectorOptions::new(3, MSIX as u32).spread(1, 1);
            let vectors = Vectors::alloc(scope, options)?;
            nic.use_vectors();
            let last = vectors.len() - 1;
            let cpu_count = possible().weight();
            check_eq!(last - 1, (MSIX - 2).min(cpu_count as usize));

            // Those that are left out have the kernel's default, which is all CPUs if it was not told.
            for index in [0, last] {
                let mask = vectors.affinity(index)?.ok_or(EINVAL)?;
                check!(mask.weight() >= 1 && mask.weight() <= cpu_count);
            }
            // Of the others each CPU has one.
            for cpu in cpus(possible()) {
                let mut mine = 0;
                for index in 1..last {
                    let mask = vectors.affinity(index)?.ok_or(EINVAL)?;
                    mine += u32::from(mask.test(cpu));
                }
                check_eq!(mine, 1);
            }
            // And there they arrive.
            for index in 1..last {
                let mask = vectors.affinity(index)?.ok_or(EINVAL)?;
                check!(mask.weight() >= 1);
                let one = Counted::new(&vectors, index)?;
                nic.raise(index);
                one.log.wait_for(1)?;
                let cpu = CpuId::from_u32(one.log.cpu.load(Relaxed)).ok_or(EINVAL)?;
                check!(mask.test(cpu));
            }
            Ok(())
        })
    }

    #[test]
    fn cpus_of_a_vector_are_known_in_any_context() -> Result {
        with_nic(|nic, scope| {
            let options = VectorOptions::new(3, MSIX as u32).spread(1, 1);
            let vectors = Vectors::alloc(scope, options)?;
            nic.use_vectors();
            let weight = || {
                let mask = vectors.affinity(1);
                mask.ok().flatten().map_or(0, Cpumask::weight)
            };
            let weight_before = weight();
            check!(weight_before >= 1);
            check_eq!(context::spinlocked(weight), weight_before);
            check_eq!(context::irqs_off(weight).0, weight_before);
            check_eq!(context::hard_irq(weight)?, weight_before);
            Ok(())
        })
    }

    /// The drop of an allocation of the kernel crate frees all vectors of the function.
    #[test]
    fn cpus_of_a_vector_outlive_what_c_frees() -> Result {
        on_igb(|dev| {
            dev.bind(|probe| {
                let pdev = probe.pci().ok_or(ENODEV)?;
                let nic = Nic::new(pdev)?;
                let scope = probe.scope(ALL)?;
                let pdev: &pci::Device<kernel::device::Bound> = pdev;
                let options = VectorOptions::new(3, MSIX as u32).spread(1, 1);
                let vectors = Vectors::alloc(scope, options)?;
                let mask = vectors.affinity(1)?.ok_or(EINVAL)?;
                let weight = mask.weight();
                let line = IrqTypes::default().with(IrqType::Intx);
                drop(pdev.alloc_irq_vectors(1, 1, line)?);
                check_eq!(mask.weight(), weight);
                check!(core::ptr::eq(mask, vectors.affinity(1)?.ok_or(EINVAL)?));
                drop(vectors);
                check_all_arrive(&nic, scope)
            })
        })
    }

    #[test]
    fn each_of_four_cpus_has_a_vector_of_its_own() -> Result {
        if possible().weight() != 4 {
            skip(c"not four CPUs");
            return Ok(());
        }
        with_nic(|_, scope| {
            let options = VectorOptions::new(2, MSIX as u32).spread(1, 0);
            let vectors = Vectors::alloc(scope, options)?;
            check_eq!(vectors.len(), 5);
            let mut seen = 0;
            for index in 1..5 {
                let mask = vectors.affinity(index)?.ok_or(EINVAL)?;
                check_eq!(mask.weight(), 1);
                for cpu in cpus(mask) {
                    seen |= 1 << cpu.as_u32();
                }
            }
            check_eq!(seen, 0b1111);
            Ok(())
        })
    }

    #[test]
    fn vectors_are_freed_in_atomic_context() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, ALL_VECTORS)?;
            context::spinlocked(move || drop(vectors));
            let vectors = when_free(scope)?;
            context::irqs_off(move || drop(vectors));
            let vectors = when_free(scope)?;
            context::hard_irq(move || drop(vectors))?;
            drop(when_free(scope)?);
            check_all_arrive(nic, scope)
        })
    }
}
