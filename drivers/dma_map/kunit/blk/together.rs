// SPDX-License-Identifier: GPL-2.0

//! Requests that come in lists, and end in batches.

use super::{
    io::*,
    *, //
};
use core::mem::MaybeUninit;
use dma_map::blk::Requests;
use kernel::{
    bindings,
    cpu::nr_cpu_ids, //
};

/// A driver that takes lists. Its device never answers.
#[pin_data]
struct Till<'x> {
    script: Arc<Script>,
    /// How many requests it takes of a list, and how many of those it refuses.
    most: Atomic<u32>,
    refuses: Atomic<u32>,
    /// How many lists there were, and how many requests that came alone.
    lists: Atomic<u32>,
    singles: Atomic<u32>,
    /// Whether the case has begun. The kernel reads the disk before, when it is added.
    begun: Atomic<bool>,
    _dma: DmaDevice<'x>,
}

type Tilled = ForLt!(Till<'_>);

impl Guarded for Till<'_> {
    fn shutdown(&self) {}
}

impl Till<'_> {
    fn start(&self, request: Request<Self>) {
        if !self.begun.load(Relaxed) {
            return request.end(Err(EIO));
        }
        let at = (request.queue(), request.tag());
        match request.map(|pieces| {
            pieces.for_each(drop);
            Ok(())
        }) {
            Ok((mapped, ())) => {
                self.script.commands.add(1, Relaxed);
                mapped.start(Command(self.script.clone()));
                let _ = self.script.started.lock().push(at, GFP_ATOMIC);
            }
            Err(failed) => failed.buffer.end(Err(failed.error)),
        }
    }
}

#[vtable]
impl<'x> blk::Operations for Till<'x> {
    type Disk = ();
    type Command = Command;
    type Mark = Scripted;
    type Engine<'a>
        = &'a Scripted
    where
        Self: 'a;

    fn engine(&self, _queue: u32, _tag: u32) -> &Scripted {
        &self.script.engine
    }

    fn queue_rq(&self, request: Request<Self>, _last: Last) -> Result<(), Refused<Self>> {
        self.singles.add(1, Relaxed);
        self.start(request);
        Ok(())
    }

    fn queue_rqs(&self, requests: &mut Requests<'_, Self>) {
        self.lists.add(1, Relaxed);
        for _ in 0..self.most.load(Relaxed) {
            let queue = requests.next_queue();
            let Some(request) = requests.next() else {
                break;
            };
            if queue != Some(request.queue()) {
                request.end(Err(EINVAL));
                continue;
            }
            match self.refuses.load(Relaxed) {
                0 => self.start(request),
                left => {
                    self.refuses.store(left - 1, Relaxed);
                    drop(request.refuse());
                }
            }
        }
    }

    /// Nobody polls: with a second queue the disk has no I/O scheduler, which would take the lists apart.
    fn poll(&self, _queue: u32) -> u32 {
        0
    }
}

/// What a case has.
struct Counter {
    script: Arc<Script>,
    gate: Arc<Gate<Tilled>>,
    tags: Arc<TagSet<Tilled>>,
    file: Opened,
}

impl Counter {
    /// Calls `f` with the driver's part.
    fn with<R>(&self, f: impl FnOnce(&Till<'_>) -> R) -> Result<R> {
        Ok(self.gate.try_access().ok_or(ENODEV)?.with(|till| f(&till)))
    }

    /// Starts reads in a plug: of sectors that are not adjacent, so that they stay as many requests. Returns
    /// them with the number of lists, and of requests that came alone.
    fn read<'a>(&self, buffer: &'a mut [u8]) -> Result<(KVec<Io<'a>>, (u32, u32))> {
        let before = self.with(|till| (till.lists.load(Relaxed), till.singles.load(Relaxed)))?;
        let mut ios = KVec::with_capacity(buffer.len() / 512, GFP_KERNEL)?;
        let result = plugged(|| {
            for (i, part) in (0u64..).zip(buffer.chunks_mut(512)) {
                ios.push(self.file.start(READ, i * 16, part)?, GFP_ATOMIC)?;
            }
            Ok::<_, Error>(())
        });
        check!(wait_until(|| self.script.started.lock().len()
            + usize::from(result.is_err())
            >= ios.len()));
        result?;
        let after = self.with(|till| (till.lists.load(Relaxed), till.singles.load(Relaxed)))?;
        Ok((ios, (after.0 - before.0, after.1 - before.1)))
    }

    /// Returns where the requests are that were started.
    fn started(&self) -> KVec<(u32, u32)> {
        core::mem::take(&mut *self.script.started.lock())
    }

    /// Ends all requests in a batch, and checks that they have ended.
    fn end(&self, ios: KVec<Io<'_>>) -> Result {
        let started = self.started();
        let taken = self.tags.batch(|batch| {
            for &(queue, tag) in started.iter() {
                let claimed = batch.take(queue, tag).ok_or(EINVAL)?;
                batch.complete(claimed, Ok(())).map_err(|_| EBUSY)?;
            }
            Ok(())
        });
        // What the case has left would keep the disk.
        self.tags.cancel(EIO);
        for io in ios {
            io.end()?;
        }
        taken
    }
}

/// Has the block layer collect what `f` submits.
fn plugged<R>(f: impl FnOnce() -> R) -> R {
    let mut plug = MaybeUninit::zeroed();
    // SAFETY: The plug stays where it is until it is finished below, by the same thread.
    unsafe { bindings::blk_start_plug(plug.as_mut_ptr()) };
    let result = f();
    // SAFETY: Started above.
    unsafe { bindings::blk_finish_plug(plug.as_mut_ptr()) };
    result
}

/// Runs `case` with each device, and a disk of it without an I/O scheduler.
fn each_counter(mut case: impl FnMut(&Counter) -> Result) -> Result {
    each_probe(|probe| {
        let script = Script::new()?;
        let shared = script.clone();
        let gate = probe.gate::<Tilled>(ALL, |dma| {
            KBox::pin_init(
                pin_init!(Till {
                    script: shared,
                    most: Atomic::new(u32::MAX),
                    refuses: Atomic::new(0),
                    lists: Atomic::new(0),
                    singles: Atomic::new(0),
                    begun: Atomic::new(false),
                    _dma: dma,
                }),
                GFP_KERNEL,
            )
        })?;
        let options = TagSetOptions::new(1, DEPTH).poll_queues(1);
        let tags = TagSet::new(&gate, options)?;
        let name = name()?;
        let disk = Disk::add(probe.core(), tags.clone(), fmt!("{}", &*name), (), DISK)?;
        let counter = Counter {
            script,
            gate,
            tags,
            file: Opened::open(probe, &name)?,
        };
        counter.with(|till| till.begun.store(true, Relaxed))?;
        let result = case(&counter);
        counter.tags.cancel(EIO);
        drop(counter);
        drop(disk);
        result
    })
}

/// Returns the state of a request, which the block layer may have.
///
/// # Safety
///
/// The tag set must exist, with the disk.
unsafe fn state(info: *const c_void) -> u32 {
    let rq: *const bindings::request = info.cast();
    // SAFETY: The memory of a request stays as long as the tag set (function precondition).
    unsafe { (&raw const (*rq).state).read_volatile() }
}

#[kunit_tests(dma_map_blk_together)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_at_once() -> Result {
        each_counter(|counter| {
            let mut buffer = KVec::from_elem(0u8, 8 * 512, GFP_KERNEL)?;
            let (ios, seen) = counter.read(&mut buffer)?;
            counter.end(ios)?;
            check_eq!(seen, (1, 0));
            Ok(())
        })
    }

    #[test]
    fn what_is_left_of_a_list_comes_alone() -> Result {
        each_counter(|counter| {
            for most in [0, 1, 7, 8, 9] {
                counter.with(|till| till.most.store(most, Relaxed))?;
                let mut buffer = KVec::from_elem(0u8, 8 * 512, GFP_KERNEL)?;
                let (ios, seen) = counter.read(&mut buffer)?;
                counter.end(ios)?;
                check_eq!(seen, (1, 8 - most.min(8)));
            }
            Ok(())
        })
    }

    #[test]
    fn what_is_refused_of_a_list_comes_again() -> Result {
        each_counter(|counter| {
            counter.with(|till| till.refuses.store(3, Relaxed))?;
            let mut buffer = KVec::from_elem(0u8, 8 * 512, GFP_KERNEL)?;
            let (ios, _) = counter.read(&mut buffer)?;
            counter.end(ios)?;
            check_eq!(counter.with(|till| till.refuses.load(Relaxed))?, 0);
            Ok(())
        })
    }

    #[test]
    fn a_batch_ends_when_its_function_returns() -> Result {
        each_counter(|counter| {
            let mut buffer = KVec::from_elem(0u8, 4 * 512, GFP_KERNEL)?;
            let (ios, _) = counter.read(&mut buffer)?;
            let started = counter.started();
            check_eq!(started.len(), 4);
            let mut within = [(0, 0); 4];
            let mut infos = [core::ptr::null(); 4];
            let seen = counter.tags.batch(|batch| {
                for (i, &(queue, tag)) in started.iter().enumerate() {
                    let claimed = batch.take(queue, tag).ok_or(EINVAL)?;
                    // Taken once.
                    if batch.take(queue, tag).is_some() {
                        return Err(EEXIST);
                    }
                    let info: *const RequestInfo<_> = &*claimed;
                    infos[i] = info.cast();
                    match i {
                        // One that failed is ended alone, and so is one that is dropped.
                        1 => drop(claimed),
                        2 => batch.complete(claimed, Err(ENOSPC)).map_err(|_| EBUSY)?,
                        _ => batch.complete(claimed, Ok(())).map_err(|_| EBUSY)?,
                    }
                    // The command is dropped already.
                    // SAFETY: The tag set exists.
                    let state = unsafe { state(infos[i]) };
                    within[i] = (state, counter.script.commands.load(Relaxed));
                }
                // Out of range.
                Ok(batch.take(9, 0).is_some() || batch.take(0, DEPTH).is_some())
            });
            let after = infos.map(|info| match info.is_null() {
                true => u32::MAX,
                // SAFETY: The tag set exists.
                false => unsafe { state(info) },
            });
            counter.tags.cancel(EIO);
            let ends = ios.into_iter().map(|io| io.end());
            let mut results = KVec::new();
            for end in ends {
                results.push(end, GFP_KERNEL)?;
            }
            check_eq!(seen, Ok(false));
            // Requests come off the list in any order.
            let count = |wanted: Result| results.iter().filter(|&&end| end == wanted).count();
            check_eq!(
                (count(Ok(())), count(Err(EIO)), count(Err(ENOSPC))),
                (2, 1, 1)
            );
            // Another CPU may have got them.
            if nr_cpu_ids() == 1 {
                let idle = bindings::mq_rq_state_MQ_RQ_IDLE;
                let complete = bindings::mq_rq_state_MQ_RQ_COMPLETE;
                check_eq!(within, [(complete, 3), (idle, 2), (idle, 1), (complete, 0)]);
                check_eq!(after, [idle; 4]);
            }
            Ok(())
        })
    }

    /// Requests that the driver has taken back: their data was copied, say.
    #[test]
    fn a_batch_ends_requests_without_a_mapping() -> Result {
        each_counter(|counter| {
            let mut buffer = KVec::from_elem(0u8, 3 * 512, GFP_KERNEL)?;
            let (ios, _) = counter.read(&mut buffer)?;
            let started = counter.started();
            check_eq!(started.len(), 3);
            let mut within = [u32::MAX; 3];
            let seen: Result = counter.tags.batch(|batch| {
                for (i, &(queue, tag)) in started.iter().enumerate() {
                    let claimed = batch.take(queue, tag).ok_or(EINVAL)?;
                    let (request, _) = claimed.into_request().map_err(|_| EBUSY)?;
                    let info: *const RequestInfo<_> = &*request;
                    batch.end(request, if i == 1 { Err(ENOSPC) } else { Ok(()) });
                    // SAFETY: The tag set exists.
                    within[i] = unsafe { state(info.cast()) };
                }
                Ok(())
            });
            counter.tags.cancel(EIO);
            let mut results = KVec::new();
            for io in ios {
                results.push(io.end(), GFP_KERNEL)?;
            }
            check_eq!(seen, Ok(()));
            let count = |wanted: Result| results.iter().filter(|&&end| end == wanted).count();
            check_eq!((count(Ok(())), count(Err(ENOSPC))), (2, 1));
            // Only the one that failed has ended at once.
            let idle = bindings::mq_rq_state_MQ_RQ_IDLE;
            check_eq!(within.map(|state| state == idle), [false, true, false]);
            Ok(())
        })
    }

    #[test]
    fn a_batch_takes_no_busy_request() -> Result {
        each_counter(|counter| {
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let (ios, _) = counter.read(&mut buffer)?;
            let engine = &counter.script.engine;
            let started = counter.started();
            let seen = counter.tags.batch(|batch| {
                let &(queue, tag) = started.first().ok_or(EINVAL)?;
                let claimed = batch.take(queue, tag).ok_or(EINVAL)?;
                engine.start();
                let Err(Busy(claimed)) = batch.complete(claimed, Ok(())) else {
                    return Err(EINVAL);
                };
                engine.finish();
                batch.complete(claimed, Ok(())).map_err(|_| EBUSY)
            });
            check_eq!(seen, Ok(()));
            counter.end(ios)
        })
    }

    /// A batch of a disk with an I/O scheduler, which one queue has, and one of nothing.
    #[test]
    fn a_batch_may_be_refused_by_the_block_layer() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            shop.tags.batch(|_| ());
            let (io, (queue, tag)) = super::super::mapped::map(shop, file, &mut buffer)?;
            let seen = shop.tags.batch(|batch| {
                let claimed = batch.take(queue, tag).ok_or(EINVAL)?;
                batch.complete(claimed, Ok(())).map_err(|_| EBUSY)
            });
            check_eq!(seen, Ok(()));
            io.end()
        })
    }
}
