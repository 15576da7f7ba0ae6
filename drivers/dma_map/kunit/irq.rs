// SPDX-License-Identifier: GPL-2.0

//! [`dma_map::irq`], on a function that raises any of its vectors when it is told to.

mod end;
mod handlers;
mod late;
mod leaked;
mod nic;
mod vectors;

use self::nic::Nic;
use crate::{
    check::*,
    context,
    fixture::*,
    workers::wait_until, //
};
use dma_map::{
    gate::Scope,
    irq::{
        Interrupt,
        VectorOptions,
        Vectors, //
    }, //
};
use kernel::{
    cpu::CpuId,
    irq::{
        Handler,
        IrqReturn,
        ThreadedHandler,
        ThreadedIrqReturn, //
    },
    pci::IrqType,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// How many vectors the function has.
const MSIX: usize = 10;

/// All of its vectors.
const ALL_VECTORS: VectorOptions = VectorOptions::new(MSIX as u32, MSIX as u32);

/// What happened to a handler.
struct Log {
    calls: Atomic<u32>,
    thread_calls: Atomic<u32>,
    cpu: Atomic<u32>,
    drops: Atomic<u32>,
}

impl Log {
    fn new() -> Result<Arc<Self>> {
        let log = Self {
            calls: Atomic::new(0),
            thread_calls: Atomic::new(0),
            cpu: Atomic::new(u32::MAX),
            drops: Atomic::new(0),
        };
        Ok(Arc::new(log, GFP_KERNEL)?)
    }

    fn calls(&self) -> u32 {
        self.calls.load(Relaxed)
    }

    fn thread_calls(&self) -> u32 {
        self.thread_calls.load(Relaxed)
    }

    fn drops(&self) -> u32 {
        self.drops.load(Relaxed)
    }

    /// Waits until the handler has been called so often.
    fn wait_for(&self, calls: u32) -> Result {
        check!(wait_until(|| self.calls() >= calls));
        check_eq!(self.calls(), calls);
        Ok(())
    }
}

/// A handler that counts, and whose drop is counted.
struct Counter(Arc<Log>);

impl Counter {
    fn count(&self) {
        self.0.cpu.store(CpuId::current().as_u32(), Relaxed);
        self.0.calls.add(1, Relaxed);
    }
}

impl Handler for Counter {
    fn handle(&self) -> IrqReturn {
        self.count();
        IrqReturn::Handled
    }
}

impl ThreadedHandler for Counter {
    fn handle(&self) -> ThreadedIrqReturn {
        self.count();
        ThreadedIrqReturn::WakeThread
    }

    fn handle_threaded(&self) -> IrqReturn {
        // What a thread may do, and an interrupt may not.
        fsleep(Delta::from_millis(1));
        self.0.thread_calls.add(1, Relaxed);
        IrqReturn::Handled
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.drops.add(1, Relaxed);
    }
}

/// A handler of a vector, and its log.
struct Counted<'b> {
    irq: Interrupt<'b, Counter>,
    log: Arc<Log>,
}

impl<'b> Counted<'b> {
    fn new(vectors: &Vectors<'b>, index: usize) -> Result<Self> {
        let log = Log::new()?;
        let counter = Counter(log.clone());
        let irq = vectors.request(index, fmt!("dma_map_kunit-{index}"), counter)?;
        Ok(Self { irq, log })
    }

    fn each(vectors: &Vectors<'b>) -> Result<KVec<Self>> {
        let mut counted = KVec::new();
        for index in 0..vectors.len() {
            counted.push(Self::new(vectors, index)?, GFP_KERNEL)?;
        }
        // What came in for an earlier handler, while the vector was masked, arrives now.
        fsleep(Delta::from_millis(5));
        for one in counted.iter() {
            one.log.calls.store(0, Relaxed);
        }
        Ok(counted)
    }
}

/// Runs `f` with the function and its scope, in `probe`, and unbinds the function.
fn with_nic(f: impl for<'b> Fn(&Nic<'b>, Scope<'b>) -> Result) -> Result {
    on_igb(|dev| {
        dev.bind(|probe| {
            let nic = Nic::new(probe.pci().ok_or(ENODEV)?)?;
            f(&nic, probe.scope(ALL)?)
        })
    })
}

/// Checks that all vectors can be allocated, and arrive.
fn check_all_arrive(nic: &Nic<'_>, scope: Scope<'_>) -> Result {
    let vectors = Vectors::alloc(scope, ALL_VECTORS)?;
    nic.use_vectors();
    let counted = Counted::each(&vectors)?;
    for (index, one) in counted.iter().enumerate() {
        nic.raise(index);
        one.log.wait_for(1)?;
    }
    check!(counted.iter().all(|one| one.log.calls() == 1));
    Ok(())
}
