// SPDX-License-Identifier: GPL-2.0

//! Gate stress: several threads map, transfer and free behind a gate until the device is unbound.

use super::*;
use crate::{
    device_side,
    pattern,
    workers::wait_until, //
};
use dma_map::Bidirectional;

/// What the workers find: the token to make handles with.
struct Shop<'x> {
    dma: DmaDevice<'x>,
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
                work <- new_work!("dma_map_kunit::Worker"),
                gate,
                seed,
                rounds: Atomic::new(0),
                failures: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }

    /// Lets a buffer and a coherent region make a round trip.
    fn round(&self, dma: DmaDevice<'_>) -> Result {
        let mut buffer = VVec::from_elem(0u8, 5000, GFP_KERNEL)?;
        pattern::fill(&mut buffer, self.seed, 0);
        let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
        let ring = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?.give(Idle);

        check!(device_side::finds(&mapping, self.seed)?);
        device_side::fill(&mapping, !self.seed)?;
        device_side::write(dma, ring.dma_address(), &[self.seed; 100])?;

        check!(pattern::holds(&mapping.unmap()?, !self.seed, 0));
        let ring = ring.complete()?;
        check!(ring.iter().all(|byte| *byte == self.seed));
        context::irqs_off(|| drop(ring));
        Ok(())
    }
}

impl WorkItem for Worker {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(guard) = this.gate.try_access() {
            if guard.with(|shop| this.round(shop.dma)).is_err() {
                this.failures.add(1, Relaxed);
            }
            this.rounds.add(1, Relaxed);
        }
    }
}

#[kunit_tests(dma_map_gate_stress)]
mod tests {
    use super::*;

    /// misuse: pending-at-release
    #[test]
    fn unbind_while_several_threads_map() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            for _ in 0..3 {
                let mut gate = None;
                dev.bind(|probe| {
                    gate = Some(
                        probe.gate::<Shops>(ALL, |dma| Ok(KBox::pin(Shop { dma }, GFP_KERNEL)?))?,
                    );
                    Ok(())
                })?;
                let gate = gate.ok_or(EINVAL)?;

                let mut workers = KVec::new();
                for seed in [0x11, 0x22, 0x33, 0x44] {
                    let worker = Worker::new(gate.clone(), seed)?;
                    threads.start(worker.clone())?;
                    workers.push(worker, GFP_KERNEL)?;
                }
                fsleep(Delta::from_millis(30));
                let done = || {
                    workers
                        .iter()
                        .map(|one| one.rounds.load(Relaxed))
                        .sum::<u32>()
                };
                check!(wait_until(|| done() > 0), "nobody did anything");
                // A worker that is not done by now finds the gate closed.
                dev.unbind();

                for worker in &workers {
                    check_eq!(worker.failures.load(Relaxed), 0);
                }
            }
            Ok(())
        })
    }
}
