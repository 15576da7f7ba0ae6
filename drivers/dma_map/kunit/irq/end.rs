// SPDX-License-Identifier: GPL-2.0

//! The end of a handler: in its own call, in atomic context, and while interrupts come.

use super::*;
use kernel::{
    new_spinlock_irq,
    sync::SpinLockIrq, //
};

/// Where a handler finds an interrupt.
#[pin_data]
struct Place<'b> {
    #[pin]
    irq: SpinLockIrq<Option<Interrupt<'b, Own<'b>>>>,
    log: Arc<Log>,
    deadlocks: Atomic<u32>,
}

impl<'b> Place<'b> {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                irq <- new_spinlock_irq!(None, "dma_map_kunit::Place"),
                log: Log::new()?,
                deadlocks: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }
}

/// In which half a handler does it.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Primary,
    Thread,
}

/// A handler that ends the interrupt of a place, its own or another.
struct Own<'b> {
    place: Arc<Place<'b>>,
    when: When,
}

impl Own<'_> {
    fn end(&self) {
        let irq = self.place.irq.lock().take();
        if let Some(irq) = irq {
            for result in [irq.synchronize(), irq.disable().map(|_| ())] {
                if matches!(result, Err(err) if err == EDEADLK) {
                    self.place.deadlocks.add(1, Relaxed);
                }
            }
            drop(irq);
        }
        self.place.log.calls.add(1, Relaxed);
    }
}

impl ThreadedHandler for Own<'_> {
    fn handle(&self) -> ThreadedIrqReturn {
        if self.when == When::Primary {
            self.end();
        }
        ThreadedIrqReturn::WakeThread
    }

    fn handle_threaded(&self) -> IrqReturn {
        if self.when == When::Thread {
            self.end();
        }
        IrqReturn::Handled
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.place.log.drops.add(1, Relaxed);
    }
}

/// Lets the handler of vector `ends` end the interrupt of vector 0.
fn ended_by(ends: usize, when: When) -> Result {
    with_nic(|nic, scope| {
        let vectors = Vectors::alloc(scope, VectorOptions::new(2, 2))?;
        nic.use_vectors();
        let place = Place::new()?;
        let own = || Own {
            place: place.clone(),
            when,
        };
        let first = vectors.request_threaded(0, fmt!("dma_map_kunit-0"), own())?;
        *place.irq.lock() = Some(first);
        let second = vectors.request_threaded(1, fmt!("dma_map_kunit-1"), own())?;

        nic.raise(ends);
        place.log.wait_for(1)?;
        check!(wait_until(|| place.log.drops() == 1));
        check_eq!(place.deadlocks.load(Relaxed), 2);

        // The vector is free again.
        check!(wait_until(|| {
            let log = Log::new();
            log.is_ok_and(|log| vectors.request(0, fmt!("again"), Counter(log)).is_ok())
        }));
        drop(second);
        check_eq!(place.log.drops(), 2);
        Ok(())
    })
}

/// A handler whose thread raises its own vector again.
struct Again<'b> {
    nic: Arc<Nic<'b>>,
    index: usize,
    log: Arc<Log>,
}

impl ThreadedHandler for Again<'_> {
    fn handle_threaded(&self) -> IrqReturn {
        self.log.calls.add(1, Relaxed);
        fsleep(Delta::from_micros(200));
        self.nic.raise(self.index);
        IrqReturn::Handled
    }
}

impl Drop for Again<'_> {
    fn drop(&mut self) {
        self.log.drops.add(1, Relaxed);
    }
}

#[kunit_tests(dma_map_irq_end)]
mod tests {
    use super::*;

    #[test]
    fn handler_may_end_itself() -> Result {
        ended_by(0, When::Primary)?;
        ended_by(0, When::Thread)
    }

    #[test]
    fn handler_may_end_another() -> Result {
        ended_by(1, When::Primary)?;
        ended_by(1, When::Thread)
    }

    /// misuse: drop-with-irqs-off/Interrupt, drop-with-irqs-off/Vectors
    #[test]
    fn handler_is_removed_in_atomic_context() -> Result {
        with_nic(|nic, scope| {
            let vectors = Vectors::alloc(scope, VectorOptions::new(1, 1))?;
            nic.use_vectors();
            for round in 0..3 {
                let mut one = Err(EBUSY);
                check!(wait_until(|| {
                    one = Counted::new(&vectors, 0);
                    one.is_ok()
                }));
                let Counted { irq, log } = one?;
                nic.raise(0);
                log.wait_for(1)?;
                match round {
                    0 => context::spinlocked(move || drop(irq)),
                    1 => context::irqs_off(move || drop(irq)).0,
                    _ => context::hard_irq(move || drop(irq))?,
                }
                check!(wait_until(|| log.drops() == 1));
            }
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/Interrupt, unbind-with-live-handles/Vectors
    #[test]
    fn unbind_while_interrupts_come() -> Result {
        on_igb(|dev| {
            for _ in 0..5 {
                let logs = [Log::new()?, Log::new()?, Log::new()?];
                dev.bind(|probe| {
                    let nic = Arc::new(Nic::new(probe.pci().ok_or(ENODEV)?)?, GFP_KERNEL)?;
                    let vectors = Vectors::alloc(probe.scope(ALL)?, VectorOptions::new(3, 3))?;
                    nic.use_vectors();
                    for (index, log) in logs.iter().enumerate() {
                        let again = Again {
                            nic: nic.clone(),
                            index,
                            log: log.clone(),
                        };
                        let irq = vectors.request_threaded(index, fmt!("again-{index}"), again)?;
                        probe.keep(irq)?;
                        nic.raise(index);
                    }
                    Ok(())
                })?;
                for log in &logs {
                    check!(wait_until(|| log.calls() > 10));
                }
                dev.unbind();
                let calls = logs.each_ref().map(|log| log.calls());
                check!(logs.iter().all(|log| log.drops() == 1));
                fsleep(Delta::from_millis(5));
                check_eq!(logs.each_ref().map(|log| log.calls()), calls);
            }
            Ok(())
        })
    }
}
