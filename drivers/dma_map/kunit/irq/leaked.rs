// SPDX-License-Identifier: GPL-2.0

//! Leaked interrupts: the end of the binding stops them, and leaks their data.

use super::*;
use core::mem::forget;
use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    new_mutex,
    sync::Mutex,
    types::ForLt, //
};

/// Binds the function, and lets `leak` leak something that logs there. After the unbind that is silent,
/// `drops` were dropped, and the next driver can use all vectors.
fn leaked(
    drops: u32,
    leak: impl for<'b> Fn(&Vectors<'b>, &Arc<Nic<'b>>, &Arc<Log>) -> Result,
) -> Result {
    on_igb(|dev| {
        let log = Log::new()?;
        dev.bind(|probe| {
            let nic = Arc::new(Nic::new(probe.pci().ok_or(ENODEV)?)?, GFP_KERNEL)?;
            let vectors = Vectors::alloc(probe.scope(ALL)?, VectorOptions::new(2, 2))?;
            nic.use_vectors();
            leak(&vectors, &nic, &log)
        })?;
        dev.unbind();
        let calls = log.calls();
        check_eq!(log.drops(), drops);

        dev.bind(|probe| {
            let nic = Nic::new(probe.pci().ok_or(ENODEV)?)?;
            check_all_arrive(&nic, probe.scope(ALL)?)
        })?;
        check_eq!(log.calls(), calls);
        check_eq!(log.drops(), drops);
        Ok(())
    })
}

/// A handler whose data has an interrupt that was made later.
#[pin_data]
struct Later<'b> {
    #[pin]
    irq: Mutex<Option<Interrupt<'b, Counter>>>,
    log: Arc<Log>,
}

struct First<'b>(Arc<Later<'b>>);

impl ThreadedHandler for First<'_> {
    fn handle_threaded(&self) -> IrqReturn {
        if let Some(irq) = self.0.irq.lock().as_ref() {
            irq.handler().0.thread_calls.add(1, Relaxed);
        }
        self.0.log.calls.add(1, Relaxed);
        IrqReturn::Handled
    }
}

/// A part of a driver that has interrupts, behind a gate.
struct Kept<'x> {
    nic: Nic<'x>,
    irq: Option<Counted<'x>>,
}

impl Guarded for Kept<'_> {
    fn shutdown(&self) {}
}

type Keeper = ForLt!(Kept<'_>);

fn gate(
    probe: &Probe<'_, '_>,
    build: impl for<'x> FnOnce(Vectors<'x>, Kept<'x>) -> Result<Kept<'x>>,
) -> Result<Arc<Gate<Keeper>>> {
    probe.pci().ok_or(ENODEV)?.enable_device_mem()?;
    probe.gate_with_scope::<Keeper>(ALL, |pdev, scope| {
        let kept = Kept {
            nic: Nic::of(pdev)?,
            irq: None,
        };
        let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
        kept.nic.use_vectors();
        Ok(KBox::pin(build(vectors, kept)?, GFP_KERNEL)?)
    })
}

#[kunit_tests(dma_map_irq_leaked)]
mod tests {
    use super::*;

    /// misuse: forgotten-handle/Interrupt
    #[test]
    fn leaked_interrupt_is_silent_after_the_binding() -> Result {
        leaked(0, |vectors, nic, log| {
            forget(vectors.request(1, fmt!("dma_map_kunit"), Counter(log.clone()))?);
            nic.raise(1);
            log.wait_for(1)
        })
    }

    #[test]
    fn leaked_threaded_interrupt_is_silent_after_the_binding() -> Result {
        leaked(0, |vectors, nic, log| {
            forget(vectors.request_threaded(1, fmt!("dma_map_kunit"), Counter(log.clone()))?);
            nic.raise(1);
            log.wait_for(1)
        })
    }

    /// misuse: forgotten-handle/Vectors
    #[test]
    fn leaked_vectors_are_freed_after_their_handlers() -> Result {
        leaked(1, |vectors, nic, log| {
            forget(vectors.clone());
            let irq = vectors.request(1, fmt!("dma_map_kunit"), Counter(log.clone()))?;
            nic.raise(1);
            log.wait_for(1)?;
            drop(irq);
            Ok(())
        })?;
        leaked(0, |vectors, _, log| {
            forget(vectors.clone());
            forget(vectors.request(0, fmt!("dma_map_kunit"), Counter(log.clone()))?);
            Ok(())
        })
    }

    #[test]
    fn leaked_interrupt_may_own_one_that_was_made_later() -> Result {
        leaked(0, |vectors, nic, log| {
            let later = Arc::pin_init(
                try_pin_init!(Later {
                    irq <- new_mutex!(None, "dma_map_kunit::Later"),
                    log: log.clone(),
                }),
                GFP_KERNEL,
            )?;
            let first = First(later.clone());
            let irq = vectors.request_threaded(0, fmt!("dma_map_kunit-0"), first)?;
            let own = vectors.request(1, fmt!("dma_map_kunit-1"), Counter(log.clone()))?;
            *later.irq.lock() = Some(own);
            forget(irq);
            nic.raise(0);
            check!(wait_until(|| log.thread_calls() == 1));
            Ok(())
        })
    }

    #[test]
    fn failed_build_of_a_gate_stops_what_it_leaked() -> Result {
        on_igb(|dev| {
            dev.bind(|probe| {
                let log = Log::new()?;
                for _ in 0..3 {
                    let failed = gate(probe, |vectors, kept| {
                        let counter = Counter(log.clone());
                        forget(vectors.request(1, fmt!("dma_map_kunit"), counter)?);
                        let before = log.calls();
                        kept.nic.raise(1);
                        log.wait_for(before + 1)?;
                        Err(EDOM)
                    });
                    check_err!(failed.map(|_| ()), EDOM);
                }
                check_eq!(log.calls(), 3);
                check_eq!(log.drops(), 0);
                let nic = Nic::new(probe.pci().ok_or(ENODEV)?)?;
                check_all_arrive(&nic, probe.scope(ALL)?)?;
                check_eq!(log.calls(), 3);
                Ok(())
            })
        })
    }

    #[test]
    fn interrupts_behind_a_gate_end_with_it() -> Result {
        on_igb(|dev| {
            let kept_log = Log::new()?;
            dev.bind(|probe| {
                let gate = gate(probe, |vectors, mut kept| {
                    let counter = Counter(kept_log.clone());
                    kept.irq = Some(Counted {
                        irq: vectors.request(0, fmt!("dma_map_kunit-0"), counter)?,
                        log: kept_log.clone(),
                    });
                    // Leaked, as in an `Arc` that holds itself.
                    forget(vectors);
                    Ok(kept)
                })?;
                let inside = gate.try_access().ok_or(ENODEV)?;
                inside.with(|kept| {
                    kept.nic.raise(0);
                    kept_log.wait_for(1)?;
                    let one = kept.irq.as_ref().ok_or(EINVAL)?;
                    check_eq!(one.irq.index(), 0);
                    check_eq!(one.log.calls(), 1);
                    Ok(())
                })
            })?;
            dev.unbind();
            check_eq!(kept_log.drops(), 1);
            dev.bind(|probe| {
                let nic = Nic::new(probe.pci().ok_or(ENODEV)?)?;
                check_all_arrive(&nic, probe.scope(ALL)?)
            })?;
            check_eq!(kept_log.calls(), 1);
            Ok(())
        })
    }
}
