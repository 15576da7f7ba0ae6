// SPDX-License-Identifier: GPL-2.0

//! Handlers: each vector has its own, and its own data.

use super::*;

/// A handler whose threaded half takes its time.
struct Slow(Arc<Log>);

impl ThreadedHandler for Slow {
    fn handle_threaded(&self) -> IrqReturn {
        self.0.calls.add(1, Relaxed);
        fsleep(Delta::from_millis(50));
        self.0.thread_calls.add(1, Relaxed);
        IrqReturn::Handled
    }
}

#[kunit_tests(dma_map_irq_handlers)]
mod tests {
    use super::*;

    #[test]
    fn each_vector_arrives_at_its_own_handler() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, ALL_VECTORS)?;
            nic.use_vectors();
            let counted = Counted::each(&vectors)?;
            for round in 1..4 {
                for raised in (0..MSIX).rev() {
                    nic.raise(raised);
                    counted[raised].log.wait_for(round)?;
                    for (index, one) in counted.iter().enumerate() {
                        check_eq!(one.irq.index(), index);
                        check_eq!(one.log.calls(), round - u32::from(index < raised));
                        check_eq!(one.irq.handler().0.calls(), one.log.calls());
                    }
                }
            }
            Ok(())
        })
    }

    #[test]
    fn threaded_half_may_sleep() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
            nic.use_vectors();
            let log = Log::new()?;
            let name = fmt!("dma_map_kunit");
            let irq = vectors.request_threaded(1, name, Counter(log.clone()))?;
            for calls in 1..4 {
                nic.raise(1);
                check!(wait_until(|| log.thread_calls() == calls));
                check_eq!(log.calls(), calls);
            }
            drop(irq);
            check_eq!(log.drops(), 1);
            Ok(())
        })
    }

    #[test]
    fn dropped_handler_is_not_called_and_its_data_is_gone() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
            nic.use_vectors();
            let other = Counted::new(&vectors, 0)?;
            let Counted { irq, log } = Counted::new(&vectors, 1)?;
            nic.raise(1);
            log.wait_for(1)?;
            drop(irq);
            check_eq!(log.drops(), 1);

            nic.raise(1);
            nic.raise(0);
            other.log.wait_for(1)?;
            check_eq!(log.calls(), 1);
            // Another one can have the vector.
            let again = Counted::new(&vectors, 1)?;
            nic.raise(1);
            check!(wait_until(|| again.log.calls() != 0));
            check_eq!(log.calls(), 1);
            Ok(())
        })
    }

    #[test]
    fn vector_has_one_handler() -> Result {
        with_nic(|_, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
            let first = Counted::new(&vectors, 1)?;
            check_err!(Counted::new(&vectors, 1).map(|_| ()), EBUSY);
            check_err!(Counted::new(&vectors, 2).map(|_| ()), EINVAL);
            drop(first);
            drop(Counted::new(&vectors, 1)?);
            Ok(())
        })
    }

    #[test]
    fn names_are_those_that_proc_can_show() -> Result {
        with_nic(|_, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(1, 1))?;
            let log = Log::new()?;
            // The last ones are files that the kernel has there already.
            let not = [
                "",
                ".",
                "..",
                "a/b",
                "/",
                "affinity_hint",
                "effective_affinity",
                "effective_affinity_list",
                "node",
                "smp_affinity",
                "smp_affinity_list",
                "spurious",
            ];
            for name in not {
                let irq = vectors.request(0, fmt!("{name}"), Counter(log.clone()));
                check_err!(irq.map(|_| ()), EINVAL);
            }
            check_eq!(log.drops(), not.len() as u32);
            for name in ["a", "...", "dma map kunit", "nodes", "node0"] {
                drop(vectors.request(0, fmt!("{name}"), Counter(log.clone()))?);
            }
            // The kernel would cut a longer one.
            drop(vectors.request(0, fmt!("{:0127}", 0), Counter(log.clone()))?);
            let long = vectors.request(0, fmt!("{:0128}", 0), Counter(log.clone()));
            check_err!(long.map(|_| ()), EINVAL);
            Ok(())
        })
    }

    #[test]
    fn disabled_vector_arrives_once_it_is_enabled() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
            nic.use_vectors();
            let other = Counted::new(&vectors, 0)?;
            let one = Counted::new(&vectors, 1)?;
            let disabled = one.irq.disable()?;
            // Depths are counted.
            let twice = one.irq.disable()?;
            nic.raise(1);
            nic.raise(0);
            other.log.wait_for(1)?;
            check_eq!(one.log.calls(), 0);
            drop(disabled);
            nic.raise(0);
            other.log.wait_for(2)?;
            check_eq!(one.log.calls(), 0);
            context::irqs_off(|| drop(twice));
            one.log.wait_for(1)?;

            // One that stays disabled does not stay so for the next handler.
            core::mem::forget(one.irq.disable()?);
            drop(one);
            let one = Counted::new(&vectors, 1)?;
            nic.raise(1);
            one.log.wait_for(1)
        })
    }

    #[test]
    fn vector_that_is_spread_is_not_disabled() -> Result {
        with_nic(|nic, scope| {
            let options = VectorOptions::new(3, 3).spread(1, 1);
            let vectors = Vectors::alloc(scope, options)?;
            nic.use_vectors();
            let counted = Counted::each(&vectors)?;
            check_err!(counted[1].irq.disable().map(|_| ()), EOPNOTSUPP);
            drop(counted[0].irq.disable()?);
            drop(counted[2].irq.disable()?);
            nic.raise(1);
            counted[1].log.wait_for(1)
        })
    }

    #[test]
    fn synchronize_and_disable_wait_for_the_thread() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(1, 1))?;
            nic.use_vectors();
            let log = Log::new()?;
            let irq = vectors.request_threaded(0, fmt!("dma_map_kunit"), Slow(log.clone()))?;
            nic.raise(0);
            log.wait_for(1)?;
            irq.synchronize()?;
            check_eq!(log.thread_calls(), 1);

            nic.raise(0);
            log.wait_for(2)?;
            let disabled = irq.disable()?;
            check_eq!(log.thread_calls(), 2);
            drop(disabled);

            nic.raise(0);
            log.wait_for(3)?;
            drop(irq);
            check_eq!(log.thread_calls(), 3);
            Ok(())
        })
    }
}
