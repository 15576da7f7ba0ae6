// SPDX-License-Identifier: GPL-2.0

//! Hardware queues and interrupt vectors: a CPU uses the queue whose interrupts it gets.

use super::{
    io::{
        Opened,
        READ, //
    },
    *, //
};
use dma_map::irq::VectorOptions;
use kernel::cpu::{
    nr_cpu_ids,
    CpuId, //
};

/// Makes a disk with a queue for each vector but the first, whose tag set asks for those from `first` on, and
/// runs `case` with it.
fn with_vectors(
    options: VectorOptions,
    first: u32,
    case: impl Fn(&Shop, &Opened, u32) -> Result,
) -> Result {
    on_igb(|dev| {
        dev.bind(|probe| {
            let script = Script::new()?;
            let gate = probe.gate_with_scope::<Shelved>(ALL, |_, scope| {
                let vectors = Vectors::alloc(scope, options)?;
                shelf(scope.dma(), Some(vectors), script.clone())
            })?;
            let inside = gate.try_access().ok_or(ENODEV)?;
            let queues = inside.with(|shelf| -> Result<u32> {
                let vectors = shelf.vectors.as_ref().ok_or(EINVAL)?;
                Ok(u32::try_from(vectors.len())?.saturating_sub(1))
            })?;
            drop(inside);
            let tags = TagSetOptions::new(queues, 4).interrupt_affinity(first);
            let (shop, _disk) = shop_behind(probe, gate, tags, DISK, script)?;
            let file = Opened::open(probe, &shop.name)?;
            case(&shop, &file, queues)?;
            file.run(READ, 0, &mut KVec::from_elem(0u8, 512, GFP_KERNEL)?)
        })
    })
}

/// The CPUs that there may ever be, or more.
fn cpus() -> impl Iterator<Item = CpuId> {
    (0..nr_cpu_ids()).filter_map(CpuId::from_u32)
}

#[kunit_tests(dma_map_blk_vectors)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_has_the_queue_of_its_vector() -> Result {
        // A queue for each CPU, and two for all of them.
        for max in [10, 3] {
            let options = VectorOptions::new(2, max).spread(1, 0);
            with_vectors(options, 1, |shop, file, queues| {
                let inside = shop.gate.try_access().ok_or(ENODEV)?;
                inside.with(|shelf| {
                    let vectors = shelf.vectors.as_ref().ok_or(EINVAL)?;
                    let mut seen = 0;
                    for queue in 0..queues {
                        let index = 1 + queue as usize;
                        let mask = vectors.affinity(index)?.ok_or(EINVAL)?;
                        for cpu in cpus().filter(|cpu| mask.test(*cpu)) {
                            check_eq!(file.queue_of(cpu), queue);
                            seen += 1;
                        }
                    }
                    check_eq!(seen, nr_cpu_ids());
                    Ok(())
                })
            })?;
        }
        Ok(())
    }

    #[test]
    fn queues_without_a_vector_each_share_the_cpus_evenly() -> Result {
        let even = |_: &Shop, file: &Opened, queues: u32| {
            // Each queue has a CPU.
            for queue in 0..queues {
                check!(cpus().any(|cpu| file.queue_of(cpu) == queue));
            }
            Ok(())
        };
        let spread = VectorOptions::new(2, 10).spread(1, 0);
        // One vector too few, none, and vectors without CPUs.
        with_vectors(spread, 2, even)?;
        with_vectors(spread, u32::MAX, even)?;
        with_vectors(VectorOptions::new(2, 2), 1, even)
    }
}
