// SPDX-License-Identifier: GPL-2.0

//! Entry to a gate: when it succeeds, and what unbind does.

use super::*;

#[kunit_tests(dma_map_gate_entry)]
mod tests {
    use super::*;

    #[test]
    fn those_who_enter_find_what_was_built() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            check_eq!(visit(&gate), Some(1));
            check_eq!(visit(&gate), Some(2));

            // More than one at a time, and from a context that must not sleep.
            let first = gate.try_access();
            check_eq!(visit(&gate), Some(3));
            check_eq!(context::spinlocked(|| visit(&gate)), Some(4));
            check_eq!(context::irqs_off(|| visit(&gate)).0, Some(5));
            drop(first);
            check_eq!(log.ends(), (0, 0));
            Ok(())
        })
    }

    #[test]
    fn unbind_shuts_down_once_and_drops_once() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            dev.unbind();
            drop(gate);
            check_eq!(log.ends(), (1, 1));
            Ok(())
        })
    }

    #[test]
    fn nobody_enters_after_unbind() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            dev.unbind();
            check!(gate.try_access().is_none());
            check_eq!(visit(&gate), None);

            // A new binding has a gate of its own, and does not open the old one.
            let again = bind(dev, &log)?;
            check!(gate.try_access().is_none());
            check_eq!(visit(&again), Some(1));
            Ok(())
        })
    }

    #[test]
    fn nobody_is_inside_when_the_content_is_dropped() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            let mut all = KVec::new();
            for _ in 0..3 {
                let visitor = Visitor::new(gate.clone())?;
                threads.start(visitor.clone())?;
                all.push(visitor, GFP_KERNEL)?;
            }
            for visitor in &all {
                visitor.entered.wait_for_completion();
                check!(visitor.got_in.load(Relaxed));
            }
            check_eq!(log.inside.load(Relaxed), 3);

            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            check_eq!(log.inside_at_drop.load(Relaxed), 0);

            let late = Visitor::new(gate)?;
            threads.start(late.clone())?;
            late.entered.wait_for_completion();
            check!(!late.got_in.load(Relaxed));
            Ok(())
        })
    }

    /// misuse: pending-at-release
    #[test]
    fn gate_that_nobody_keeps_ends_with_the_binding() -> Result {
        each(|dev| {
            let log = Log::new()?;
            drop(bind(dev, &log)?);
            check_eq!(log.ends(), (0, 0));
            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            Ok(())
        })
    }

    #[test]
    fn leaked_gate_does_no_harm() -> Result {
        each(|dev| {
            let log = Log::new()?;
            core::mem::forget(bind(dev, &log)?);
            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            bind(dev, &log).map(|_| ())
        })
    }

    #[test]
    fn content_is_dropped_after_the_drivers_data() -> Result {
        /// Looks at the log when it is dropped.
        struct Last(Arc<Log>, Arc<Atomic<u32>>);
        impl Drop for Last {
            fn drop(&mut self) {
                self.1.store(1 + self.0.drops.load(Relaxed), Relaxed);
            }
        }

        each(|dev| {
            let log = Log::new()?;
            let seen = Arc::new(Atomic::new(0), GFP_KERNEL)?;
            dev.bind(|probe| {
                probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log))?;
                probe.keep(Last(log.clone(), seen.clone()))
            })?;
            dev.unbind();
            check_eq!(seen.load(Relaxed), 1);
            check_eq!(log.ends(), (1, 1));
            Ok(())
        })
    }

    #[test]
    fn content_ends_when_probe_fails() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let mut gate = None;
            dev.bind(|probe| {
                gate = Some(probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log))?);
                probe.fail_probe();
                Ok(())
            })?;
            check_eq!(log.ends(), (1, 1));
            check!(gate.is_some_and(|gate| gate.try_access().is_none()));
            Ok(())
        })
    }
}
