// SPDX-License-Identifier: GPL-2.0

//! Allocation of vectors: how many, of which kind, for which CPUs.

use super::*;
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
            // More left out than are wanted.
            check_err!(len(scope, one.without(IrqType::Intx).spread(1, 1)), ENOSPC);
            check_eq!(len(scope, one)?, 1);
            Ok(())
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

            // Those that are left out are for all CPUs.
            for index in [0, last] {
                let mask = vectors.affinity(index)?.ok_or(EINVAL)?;
                check_eq!(mask.weight(), cpu_count);
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
