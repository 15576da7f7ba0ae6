// SPDX-License-Identifier: GPL-2.0

//! Failures to build a gate, and what they leave behind.

use super::*;
use crate::faults;

#[kunit_tests(dma_map_gate_build)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failed_build_limits_can_be_set_again() -> Result {
        each_probe(|probe| {
            let log = Log::new()?;
            for _ in 0..3 {
                check_err!(probe.gate::<Keeper>(ALL, |_| Err(EDOM)).map(|_| ()), EDOM);
                let late = probe.gate::<Keeper>(ALL.max_segment_size(512), |dma| {
                    check_eq!(dma.max_segment_size(), 512);
                    drop(Kept::new(dma, &log)?);
                    Err(EDOM)
                });
                check_err!(late.map(|_| ()), EDOM);
            }
            // What was built was dropped, and never shut down: it was not behind a gate yet.
            check_eq!(log.ends(), (0, 3));

            let dma = probe.dma(ALL)?;
            check!(dma.max_segment_size() != 512);
            Ok(())
        })
    }

    #[test]
    fn failed_build_leaves_nothing_put_off() -> Result {
        each(|dev| {
            dev.bind(|probe| {
                let failed = probe.gate::<Keeper>(ALL, |dma| {
                    for _ in 0..200 {
                        let memory = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?;
                        context::irqs_off(|| drop(memory));
                    }
                    Err(EDOM)
                });
                check_err!(failed.map(|_| ()), EDOM);
                probe.fail_probe();
                Ok(())
            })
        })
    }

    #[test]
    fn gate_without_memory_is_enomem_and_can_be_made_in_the_next_try() -> Result {
        each(|dev| {
            let mut last = false;
            for n in 1..100 {
                let log = Log::new()?;
                dev.bind(|probe| {
                    let make = || probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log));
                    let (result, failed) = match faults::failing(n, make) {
                        None => {
                            skip(c"no fault injection");
                            last = true;
                            return Ok(());
                        }
                        Some(outcome) => outcome,
                    };
                    last = !failed;
                    let gate = match result {
                        Ok(gate) => gate,
                        Err(err) => {
                            check_eq!(err, ENOMEM);
                            make()?
                        }
                    };
                    check_eq!(visit(&gate), Some(1));
                    Ok(())
                })?;
                dev.unbind();

                // One was behind a gate in the end; one may have been shut down before.
                let (shutdowns, drops) = log.ends();
                check!(last && drops == 0 || (1..=2).contains(&shutdowns) && drops >= shutdowns);
                if last {
                    return Ok(());
                }
            }
            Err(ELOOP)
        })
    }

    /// misuse: two-tokens
    #[test]
    fn one_set_up_per_binding_with_gates_too() -> Result {
        each(|dev| {
            let log = Log::new()?;
            dev.bind(|probe| {
                let gate = probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log))?;
                let second = probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log));
                check_err!(second.map(|_| ()), EBUSY);
                check_err!(probe.dma(ALL), EBUSY);
                check_eq!(visit(&gate), Some(1));
                Ok(())
            })?;
            dev.unbind();
            check_eq!(log.ends(), (1, 1));

            dev.bind(|probe| {
                probe.dma(ALL)?;
                let second = probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log));
                check_err!(second.map(|_| ()), EBUSY);
                check_err!(probe.dma(ALL), EBUSY);
                Ok(())
            })
        })
    }

    #[test]
    fn limits_are_checked_before_anything_is_built() -> Result {
        each_probe(|probe| {
            let mut built = false;
            let failed = probe.gate::<Keeper>(ALL.max_segment_size(0), |_| {
                built = true;
                Err(EDOM)
            });
            check_err!(failed.map(|_| ()), EINVAL);
            check!(!built);
            probe.dma(ALL).map(|_| ())
        })
    }
}
