// SPDX-License-Identifier: GPL-2.0

//! Vectors behind a gate: allocated while it is built and not later, and there until it is closed.

use super::*;
use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    device::Bound,
    new_mutex,
    pci,
    sync::Mutex,
    types::ForLt, //
};

/// Which attempts to allocate vectors failed as they must.
struct Attempts {
    inside: Atomic<u32>,
    shutdown: Atomic<u32>,
    drop: Atomic<u32>,
}

impl Attempts {
    fn new() -> Result<Arc<Self>> {
        let attempts = Self {
            inside: Atomic::new(0),
            shutdown: Atomic::new(0),
            drop: Atomic::new(0),
        };
        Ok(Arc::new(attempts, GFP_KERNEL)?)
    }
}

/// Tries to allocate a vector, and counts if it is too late for that.
fn attempt(scope: Scope<'_>, count: &Atomic<u32>) {
    let vectors = Vectors::alloc(scope, VectorOptions::new(1, 1));
    if matches!(vectors, Err(err) if err == ENODEV) {
        count.add(1, Relaxed);
    }
}

/// What a gate keeps: a scope, and vectors with which it works until its end.
#[pin_data]
struct Kept<'x> {
    nic: Nic<'x>,
    scope: Scope<'x>,
    attempts: Arc<Attempts>,
    vectors: Option<Vectors<'x>>,
    /// Whether the interrupts arrived in `shutdown`.
    arrived: Arc<Log>,
    #[pin]
    irqs: Mutex<KVec<Counted<'x>>>,
}

impl Kept<'_> {
    /// Raises the vectors, and waits for them.
    fn all_arrive(&self) -> bool {
        let irqs = self.irqs.lock();

        irqs.iter().all(|one| {
            let calls = one.log.calls();
            self.nic.raise(one.irq.index());
            wait_until(|| one.log.calls() > calls)
        })
    }
}

type KeptLt = ForLt!(Kept<'_>);

impl Guarded for Kept<'_> {
    fn shutdown(&self) {
        attempt(self.scope, &self.attempts.shutdown);
        if self.all_arrive() {
            self.arrived.calls.add(1, Relaxed);
        }
        if let Some(vectors) = &self.vectors {
            // Both ask C about a vector that must be there.
            for one in self.irqs.lock().iter() {
                let done = one.irq.synchronize().and(one.irq.disable().map(drop));
                if done.is_ok() && vectors.irq(one.irq.index()).is_ok() {
                    self.arrived.thread_calls.add(1, Relaxed);
                }
            }
        }
    }
}

/// Tries when what the gate keeps is dropped.
struct Late<'x>(Scope<'x>, Arc<Attempts>);

impl Drop for Late<'_> {
    fn drop(&mut self) {
        attempt(self.0, &self.1.drop);
    }
}

/// A part of a driver that has no vectors, and tries to get some.
struct Scoped<'x> {
    scope: Scope<'x>,
    attempts: Arc<Attempts>,
    _late: Late<'x>,
}

type ScopedLt = ForLt!(Scoped<'_>);

impl Guarded for Scoped<'_> {
    fn shutdown(&self) {
        attempt(self.scope, &self.attempts.shutdown);
    }
}

fn scoped<'x>(scope: Scope<'x>, attempts: &Arc<Attempts>) -> Result<Pin<KBox<Scoped<'x>>>> {
    let scoped = Scoped {
        scope,
        attempts: attempts.clone(),
        _late: Late(scope, attempts.clone()),
    };
    Ok(KBox::pin(scoped, GFP_KERNEL)?)
}

fn kept<'x>(
    pdev: &'x pci::Device<Bound>,
    scope: Scope<'x>,
    attempts: &Arc<Attempts>,
    arrived: &Arc<Log>,
) -> Result<Pin<KBox<Kept<'x>>>> {
    let nic = Nic::of(pdev)?;
    let vectors = Vectors::alloc(scope, VectorOptions::new(3, 3))?;
    nic.use_vectors();
    KBox::pin_init(
        try_pin_init!(Kept {
            nic,
            scope,
            attempts: attempts.clone(),
            vectors: Some(vectors),
            arrived: arrived.clone(),
            irqs <- new_mutex!(KVec::new(), "dma_map_kunit::Kept"),
        }),
        GFP_KERNEL,
    )
}

/// Checks that the function can be bound again, and has its vectors.
fn check_next_driver(dev: &TestDevice) -> Result {
    dev.bind(|probe| {
        let nic = Nic::new(probe.pci().ok_or(ENODEV)?)?;
        check_all_arrive(&nic, probe.scope(ALL)?)
    })
}

#[kunit_tests(dma_map_irq_late)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_not_allocated_behind_an_open_gate() -> Result {
        on_igb(|dev| {
            let attempts = Attempts::new()?;
            dev.bind(|probe| {
                let gate: Arc<Gate<ScopedLt>> =
                    probe.gate_with_scope(ALL, |_, scope| scoped(scope, &attempts))?;
                let inside = gate.try_access().ok_or(ENODEV)?;
                inside.with(|scoped| attempt(scoped.scope, &scoped.attempts.inside));
                Ok(())
            })?;
            dev.unbind();
            check_eq!(attempts.inside.load(Relaxed), 1);
            check_eq!(attempts.shutdown.load(Relaxed), 1);
            check_eq!(attempts.drop.load(Relaxed), 1);
            // Devres has nothing left of these attempts: that would make this bind fail.
            check_next_driver(dev)
        })
    }

    #[test]
    fn vectors_are_not_allocated_after_probe() -> Result {
        on_igb(|dev| {
            let attempts = Attempts::new()?;
            dev.bind(|probe| {
                let scope = probe.scope(ALL)?;
                // While `probe` runs they are.
                drop(Vectors::alloc(scope, VectorOptions::new(1, 1))?);
                probe.keep(Late(scope, attempts.clone()))
            })?;
            dev.unbind();
            check_eq!(attempts.drop.load(Relaxed), 1);
            check_next_driver(dev)
        })
    }

    #[test]
    fn handlers_are_requested_behind_an_open_gate_and_called_until_it_is_closed() -> Result {
        on_igb(|dev| {
            let (attempts, arrived) = (Attempts::new()?, Log::new()?);
            dev.bind(|probe| {
                probe.pci().ok_or(ENODEV)?.enable_device_mem()?;
                let gate: Arc<Gate<KeptLt>> = probe
                    .gate_with_scope(ALL, |pdev, scope| kept(pdev, scope, &attempts, &arrived))?;
                let inside = gate.try_access().ok_or(ENODEV)?;
                inside.with(|kept| {
                    attempt(kept.scope, &kept.attempts.inside);
                    let vectors = kept.vectors.as_ref().ok_or(EINVAL)?;
                    *kept.irqs.lock() = Counted::each(vectors)?;
                    check!(kept.all_arrive());
                    Ok(())
                })
            })?;
            dev.unbind();
            // In `shutdown`, too.
            check_eq!((arrived.calls(), arrived.thread_calls()), (1, 3));
            check_eq!(attempts.inside.load(Relaxed), 1);
            check_eq!(attempts.shutdown.load(Relaxed), 1);
            check_next_driver(dev)
        })
    }
}
