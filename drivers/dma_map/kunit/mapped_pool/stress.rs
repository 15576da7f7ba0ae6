// SPDX-License-Identifier: GPL-2.0

//! Mapped pool stress: several threads and interrupts use one pool until the device is unbound.

use super::*;
use crate::{
    engines::Idle,
    fixture::*,
    workers::{
        wait_until,
        Workers, //
    }, //
};
use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    impl_has_work,
    new_work,
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
    },
    types::ForLt,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// Fewer than the workers want.
const MAX: usize = 12;

/// What the workers find.
struct Shop<'x> {
    pool: Bytes<'x>,
}

impl Guarded for Shop<'_> {
    fn shutdown(&self) {}
}

type Shops = ForLt!(Shop<'_>);

#[pin_data]
struct Worker {
    #[pin]
    work: Work<Worker>,
    gate: Arc<Gate<Shops>>,
    seed: u8,
    rounds: Atomic<u32>,
    failures: Atomic<u32>,
}

impl_has_work! {
    impl HasWork<Self> for Worker { self.work }
}

impl Worker {
    fn new(gate: Arc<Gate<Shops>>, seed: u8) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::mapped_pool::Worker"),
                gate,
                seed,
                rounds: Atomic::new(0),
                failures: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }

    /// Lets as many buffers as there are, up to five, make a round trip, all at a time.
    fn round(&self, pool: &Bytes<'_>) -> Result {
        let mut all = [const { None }; 5];
        for (seed, slot) in (self.seed..).zip(all.iter_mut()) {
            let mut buffer = match pool.take() {
                Err(err) if err == EBUSY => break,
                buffer => buffer?,
            };
            write(&mut buffer, seed);
            *slot = Some(buffer);
        }
        // Others do the same meanwhile.
        fsleep(Delta::from_micros(50));

        for (seed, slot) in (self.seed..).zip(all.iter_mut()) {
            let Some(buffer) = slot.take() else {
                break;
            };
            check!(holds(&buffer, seed), "somebody else has this buffer");
            let buffer = round_trip(buffer, Idle, seed)?.give(Idle);
            match seed % 3 {
                0 => drop(buffer),
                1 => context::irqs_off(|| drop(buffer)).0,
                _ => context::hard_irq(|| {
                    drop(buffer);
                    // In the middle of what this CPU was about to do.
                    drop(pool.take());
                })?,
            }
        }
        Ok(())
    }
}

impl WorkItem for Worker {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(guard) = this.gate.try_access() {
            if guard.with(|shop| this.round(&shop.pool)).is_err() {
                this.failures.add(1, Relaxed);
            }
            this.rounds.add(1, Relaxed);
        }
    }
}

#[kunit_tests(dma_map_mapped_pool_stress)]
mod tests {
    use super::*;

    /// misuse: pending-at-release
    #[test]
    fn unbind_while_several_threads_take_and_put_back() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            let mut gate = None;
            dev.bind(|probe| {
                gate = Some(probe.gate::<Shops>(LARGE, |dma| {
                    let pool = pool(dma, 1500, MappedPoolOptions::new(MAX).prefill(1))?;
                    Ok(KBox::pin(Shop { pool }, GFP_KERNEL)?)
                })?);
                Ok(())
            })?;
            let gate = gate.ok_or(EINVAL)?;

            let mut workers = KVec::new();
            for seed in [0x10, 0x20, 0x30, 0x40] {
                let worker = Worker::new(gate.clone(), seed)?;
                threads.start(worker.clone())?;
                workers.push(worker, GFP_KERNEL)?;
            }
            fsleep(Delta::from_millis(200));
            let done = || {
                workers
                    .iter()
                    .map(|one| one.rounds.load(Relaxed))
                    .sum::<u32>()
            };
            check!(wait_until(|| done() > 20), "nobody did anything");
            dev.unbind();

            for worker in &workers {
                check_eq!(worker.failures.load(Relaxed), 0);
            }
            Ok(())
        })
    }
}
