// SPDX-License-Identifier: GPL-2.0

//! [`Gate`].

mod build;
mod entry;
mod stress;

use crate::{
    check::*,
    context,
    engines::Idle,
    fixture::*,
    workers::Workers, //
};
use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    state::Shared,
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::{
    impl_has_work,
    io::Io,
    new_work,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Completion, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::ForLt,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// What happened to what a gate keeps.
#[pin_data]
struct Log {
    shutdowns: Atomic<u32>,
    drops: Atomic<u32>,
    inside: Atomic<u32>,
    inside_at_drop: Atomic<u32>,
    #[pin]
    leave: Completion,
}

impl Log {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                shutdowns: Atomic::new(0),
                drops: Atomic::new(0),
                inside: Atomic::new(0),
                inside_at_drop: Atomic::new(0),
                leave <- Completion::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// How often the content was shut down and dropped.
    fn ends(&self) -> (u32, u32) {
        (self.shutdowns.load(Relaxed), self.drops.load(Relaxed))
    }
}

/// What a gate keeps.
struct Kept<'x> {
    memory: DmaCoherent<'x, u32, Shared<Idle>>,
    log: Arc<Log>,
}

impl<'x> Kept<'x> {
    fn new(dma: DmaDevice<'x>, log: &Arc<Log>) -> Result<Pin<KBox<Self>>> {
        let kept = Self {
            memory: DmaCoherent::new(dma, 1, Gfp::Kernel)?.give(Idle),
            log: log.clone(),
        };
        Ok(KBox::pin(kept, GFP_KERNEL)?)
    }
}

impl Guarded for Kept<'_> {
    fn shutdown(&self) {
        self.log.shutdowns.add(1, Relaxed);
        self.log.leave.complete_all();
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let inside = self.log.inside.load(Relaxed);
        self.log.inside_at_drop.store(inside, Relaxed);
        self.log.drops.add(1, Relaxed);
    }
}

type Keeper = ForLt!(Kept<'_>);

/// Binds the device and makes a gate.
fn bind(dev: &TestDevice, log: &Arc<Log>) -> Result<Arc<Gate<Keeper>>> {
    let mut gate = None;
    dev.bind(|probe| {
        gate = Some(probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, log))?);
        Ok(())
    })?;
    gate.ok_or(EINVAL)
}

/// Adds 1 to what the gate keeps.
fn visit(gate: &Gate<Keeper>) -> Option<u32> {
    let guard = gate.try_access()?;
    Some(guard.with(|kept| {
        let value = kept.memory.view().read_val();
        kept.memory.view().write_val(value + 1);
        value
    }))
}

/// A thread that stays inside until it is asked to leave.
#[pin_data]
struct Visitor {
    #[pin]
    work: Work<Visitor>,
    #[pin]
    entered: Completion,
    gate: Arc<Gate<Keeper>>,
    got_in: Atomic<bool>,
}

impl_has_work! {
    impl HasWork<Self> for Visitor { self.work }
}

impl Visitor {
    fn new(gate: Arc<Gate<Keeper>>) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Visitor"),
                entered <- Completion::new(),
                gate,
                got_in: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }
}

impl WorkItem for Visitor {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let guard = this.gate.try_access();
        if let Some(guard) = &guard {
            guard.with(|kept| kept.log.inside.add(1, Relaxed));
            this.got_in.store(true, Relaxed);
        }
        this.entered.complete_all();
        if let Some(guard) = &guard {
            guard.with(|kept| {
                kept.log.leave.wait_for_completion();
                // Those inside may sleep, and the content is there as long as they are.
                fsleep(Delta::from_millis(20));
                kept.memory.view().write_val(2);
                kept.log.inside.fetch_sub(1, Relaxed);
            });
        }
    }
}
