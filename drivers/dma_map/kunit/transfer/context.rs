// SPDX-License-Identifier: GPL-2.0

//! Contexts of transfers: they start and end in atomic context, in another thread, at unbind.

use super::*;
use crate::{
    context,
    faults,
    workers::Workers, //
};
use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    impl_has_work, new_mutex, new_work,
    sync::{
        Arc,
        Completion,
        Mutex, //
    },
    types::ForLt,
    workqueue::{
        Work,
        WorkItem, //
    },
};

type Both<'b, E> = (Scattered<'b, E>, DmaCoherent<'b, [u8], Shared<E>>);

/// Makes a scattered buffer and a shared one.
fn both<'b, 'e>(dma: DmaDevice<'b>, engine: &'e Scripted) -> Result<Both<'b, &'e Scripted>> {
    let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?;
    Ok((scattered(dma, engine, 1)?, memory.give(engine)))
}

/// Starts a transfer, and ends it by each of the ways out.
fn ways_out<'b, 'e>(
    dma: DmaDevice<'b>,
    engine: &'e Scripted,
    handles: [Both<'b, &'e Scripted>; 4],
) -> Result<(bool, bool)> {
    let fill = |handles: Both<'b, &'e Scripted>| {
        Transfer::start(handles, |(buffer, memory)| {
            engine.start();
            device_side::fill_pieces(dma, buffer, 2)?;
            device_side::fill_pieces(dma, memory.piece()?.pieces(), 2)
        })
    };
    let [first, second, third, fourth] = handles;

    let transfer = refused(fill(first)?.complete())?;
    engine.finish();
    let (buffer, memory) = transfer.complete()?;
    let completed = pattern::holds(buffer.as_slice(), 2, 0) && pattern::holds(&memory, 2, 0);
    let (buffer, memory) = fill(second)?.cancel()?;
    let cancelled = pattern::holds(buffer.as_slice(), 2, 0) && pattern::holds(&memory, 2, 0);
    drop(fill(third)?);
    let failed = Transfer::start(fourth, |_| {
        engine.start();
        Err(ENOSPC)
    });
    check_err!(failed.map(|_| ()), ENOSPC);
    Ok((completed, cancelled))
}

/// What a gate keeps: a transfer that somebody else completes.
#[pin_data]
struct Kept<'x> {
    #[pin]
    transfer: Mutex<Option<Transfer<Scattered<'x, Arc<Scripted>>>>>,
}

impl Guarded for Kept<'_> {
    fn shutdown(&self) {}
}

type Keeper = ForLt!(Kept<'_>);

/// A thread that completes what the gate keeps.
#[pin_data]
struct Completer {
    #[pin]
    work: Work<Completer>,
    #[pin]
    done: Completion,
    gate: Arc<Gate<Keeper>>,
    #[pin]
    found: Mutex<Option<VVec<u8>>>,
}

impl_has_work! {
    impl HasWork<Self> for Completer { self.work }
}

impl WorkItem for Completer {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        if let Some(inside) = this.gate.try_access() {
            let buffer = inside.with(|kept| {
                let transfer = kept.transfer.lock().take()?;
                Some(transfer.complete().ok()?.unmap())
            });
            *this.found.lock() = buffer;
        }
        this.done.complete_all();
    }
}

/// Binds the device, with a transfer in flight behind a gate.
fn bind(dev: &TestDevice, engine: &Arc<Scripted>) -> Result<Arc<Gate<Keeper>>> {
    let mut gate = None;
    dev.bind(|probe| {
        gate = Some(probe.gate::<Keeper>(ALL, |dma| {
            let transfer = filled(dma, engine.clone(), 1)?;
            let kept = pin_init!(Kept {
                transfer <- new_mutex!(Some(transfer), "dma_map_kunit::Kept"),
            });
            KBox::pin_init(kept, GFP_KERNEL)
        })?);
        Ok(())
    })?;
    gate.ok_or(EINVAL)
}

#[kunit_tests(dma_map_transfer_context)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_costs_nothing_beyond_its_handles() -> Result {
        type Pair<'b> = Both<'b, &'b Scripted>;
        check_eq!(
            size_of::<Transfer<Scattered<'_, &Scripted>>>(),
            size_of::<Scattered<'_, &Scripted>>()
        );
        check_eq!(size_of::<Transfer<Pair<'_>>>(), size_of::<Pair<'_>>());
        check_eq!(size_of::<Transfer<&Pair<'_>>>(), size_of::<&Pair<'_>>());
        Ok(())
    }

    /// misuse: drop-with-irqs-off/Transfer
    #[test]
    fn transfers_start_and_end_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let four = || -> Result<_> {
                let one = || both(dma, &engine);
                Ok([one()?, one()?, one()?, one()?])
            };

            let handles = four()?;
            check_eq!(
                context::spinlocked(|| ways_out(dma, &engine, handles))?,
                (true, true)
            );
            let handles = four()?;
            let (result, were_off) = context::irqs_off(|| ways_out(dma, &engine, handles));
            check!(were_off);
            check_eq!(result?, (true, true));
            let handles = four()?;
            check_eq!(
                context::hard_irq(|| ways_out(dma, &engine, handles))??,
                (true, true)
            );
            check_eq!(engine.stopped(), 3 * 3);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn nothing_is_allocated() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let (first, second) = (both(dma, &engine)?, both(dma, &engine)?);
            // In atomic context all allocations are of the kind that the kernel lets fail.
            let outcome = faults::failing(1, || {
                context::spinlocked(|| {
                    let first = Transfer::start(first, |_| Ok(()))?.cancel()?;
                    engine.start();
                    let second = Transfer::start(second, |_| Ok(()))?;
                    engine.finish();
                    Ok::<_, Error>((first, second.complete()?))
                })
            });
            match outcome {
                None => skip(c"no fault injection"),
                Some((result, allocated)) => {
                    result?;
                    check!(!allocated);
                }
            }
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/Transfer
    #[test]
    fn driver_data_in_flight_is_stopped_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            engine.start();
            let before = engine.stopped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                probe.keep(filled(dma, engine.clone(), 1)?)
            })?;
            check_eq!(engine.stopped(), before);
            dev.unbind();
            check_eq!(engine.stopped(), before + 1);
            Ok(())
        })
    }

    #[test]
    fn another_thread_completes() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            let engine = Arc::new(Scripted::idle(), GFP_KERNEL)?;
            let completer = Arc::pin_init(
                try_pin_init!(Completer {
                    work <- new_work!("dma_map_kunit::Completer"),
                    done <- Completion::new(),
                    gate: bind(dev, &engine)?,
                    found <- new_mutex!(None, "dma_map_kunit::Completer"),
                }),
                GFP_KERNEL,
            )?;
            threads.start(completer.clone())?;
            completer.done.wait_for_completion();
            let found = completer.found.lock().take().ok_or(EINVAL)?;
            check!(pattern::holds(&found, 1, 0));
            dev.unbind();
            Ok(())
        })
    }

    #[test]
    fn a_gate_that_closes_ends_what_is_in_flight() -> Result {
        each(|dev| {
            let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
            let gate = bind(dev, &engine)?;
            dev.unbind();
            check_eq!(engine.stopped(), 1);
            check!(gate.try_access().is_none());
            Ok(())
        })
    }
}
