// SPDX-License-Identifier: GPL-2.0

//! Ends that meet: of requests, disks and bindings, in several threads.

use super::{
    io::*,
    life::SHORT,
    *, //
};
use crate::workers::Workers;
use kernel::{
    impl_has_work,
    new_work,
    time::delay::fsleep,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// What a thread does.
enum Task {
    /// Drops a disk.
    Drop(Disk<Shelved>),
    /// Takes a request, ends it, and uses its command for a while.
    Linger(u32, u32),
    /// Reads from a disk.
    Read(Opened),
    /// Takes all requests from the device while none reaches the driver, when the block layer waits for those
    /// of this disk.
    Reset(Opened),
}

/// A thread.
#[pin_data]
struct Thread {
    #[pin]
    work: Work<Thread>,
    #[pin]
    task: SpinLock<Option<Task>>,
    script: Arc<Script>,
    tags: Arc<TagSet<Shelved>>,
    /// Whether it has begun, and whether it is done.
    begun: Atomic<bool>,
    done: Atomic<bool>,
    #[pin]
    result: SpinLock<Result>,
}

impl_has_work! {
    impl HasWork<Self> for Thread { self.work }
}

impl Thread {
    fn new(shop: &Shop, task: Task) -> Result<Arc<Self>> {
        let (script, tags) = (shop.script.clone(), shop.tags.clone());
        Arc::pin_init(
            pin_init!(Self {
                work <- new_work!("dma_map_kunit::Thread"),
                task <- new_spinlock!(Some(task)),
                script,
                tags,
                begun: Atomic::new(false),
                done: Atomic::new(false),
                result <- new_spinlock!(Ok(())),
            }),
            GFP_KERNEL,
        )
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Relaxed)
    }

    fn is_done(&self) -> bool {
        self.done.load(Relaxed)
    }

    /// Ends a request, and uses its command while the disk and the binding may end.
    fn linger(&self, queue: u32, tag: u32) -> Result {
        let ended = self.tags.take(queue, tag, |claimed| {
            let (request, command) = claimed.into_request().map_err(|_| EBUSY)?;
            request.end(Ok(()));
            self.begun.store(true, Relaxed);
            for _ in 0..2000 {
                if self.script.gone.load(Relaxed) {
                    break;
                }
                udelay(Delta::from_micros(100));
            }
            // Notes whether it is late.
            drop(command);
            Ok(())
        });
        ended.unwrap_or(Err(ENOENT))
    }

    fn run_task(&self, task: Task) -> Result {
        match task {
            Task::Drop(disk) => {
                self.begun.store(true, Relaxed);
                drop(disk);
                Ok(())
            }
            Task::Linger(queue, tag) => self.linger(queue, tag),
            Task::Read(file) => {
                let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
                self.begun.store(true, Relaxed);
                file.run(READ, 0, &mut buffer)
            }
            Task::Reset(file) => {
                check!(wait_until(|| file.is_frozen()));
                let _quiesced = self.tags.quiesce();
                self.begun.store(true, Relaxed);
                check_eq!(self.tags.cancel(ENOLINK), 1);
                Ok(())
            }
        }
    }
}

impl WorkItem for Thread {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let task = { this.task.lock().take() };
        let result = task.map_or(Err(EINVAL), |task| this.run_task(task));
        *this.result.lock() = result;
        this.done.store(true, Relaxed);
    }
}

#[kunit_tests(dma_map_blk_races)]
mod tests {
    use super::*;

    /// The operations need the contents of the gate until the disk is removed, whoever removes it.
    #[test]
    fn a_disk_that_is_dropped_elsewhere_keeps_the_gate() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, SHORT, DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                kept = Some((shop, disk, file));
                Ok(())
            })?;
            let (shop, disk, file) = kept.ok_or(EINVAL)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Start);
            let io = file.start(READ, 0, &mut buffer)?;
            shop.script.started()?;

            // It waits for the timeout of the request.
            let thread = Thread::new(&shop, Task::Drop(disk))?;
            threads.start(thread.clone())?;
            check!(wait_until(|| thread.has_begun()));
            fsleep(Delta::from_millis(50));
            dev.unbind();
            check_err!(io.end(), ETIMEDOUT);
            check!(wait_until(|| thread.is_done()));
            check!(shop.script.gone.load(Relaxed));
            check_eq!(shop.script.late.load(Relaxed), 0);
            Ok(())
        })
    }

    /// The command may borrow from the binding, which nothing but the request keeps.
    #[test]
    fn a_command_may_be_used_after_the_end_of_its_request() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let tags = TagSetOptions::new(1, DEPTH);
                let (shop, disk) = shop(probe, ALL, tags, DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                kept = Some((shop, file));
                probe.keep(disk)
            })?;
            let (shop, file) = kept.ok_or(EINVAL)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Start);
            let io = file.start(READ, 0, &mut buffer)?;
            let (queue, tag) = shop.script.started()?;

            let thread = Thread::new(&shop, Task::Linger(queue, tag))?;
            threads.start(thread.clone())?;
            check!(wait_until(|| thread.has_begun()));
            dev.unbind();
            check!(wait_until(|| thread.is_done()));
            io.end()?;
            check_eq!(*thread.result.lock(), Ok(()));
            check!(shop.script.gone.load(Relaxed));
            check_eq!(shop.script.late.load(Relaxed), 0);
            Ok(())
        })
    }

    /// The block layer adds the second disk of a tag set when the first one has no requests.
    #[test]
    fn a_disk_is_added_while_requests_need_a_reset() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            dev.bind(|probe| {
                // Ends the request if nothing else does.
                let tags = TagSetOptions::new(1, DEPTH).timeout_ms(20_000);
                let (shop, _first) = shop(probe, ALL, tags, DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
                shop.script.set(Mode::Start);
                let io = file.start(READ, 0, &mut buffer)?;
                shop.script.started()?;
                shop.script.set(Mode::Serve);

                let reset = Task::Reset(Opened::open(probe, &shop.name)?);
                let thread = Thread::new(&shop, reset)?;
                threads.start(thread.clone())?;
                let (other, tags) = (name()?, shop.tags.clone());
                let second = Disk::add(probe.core(), tags, fmt!("{}", &*other), 8, DISK);
                check!(wait_until(|| thread.is_done()));
                check_err!(io.end(), ENOLINK);
                check_eq!(*thread.result.lock(), Ok(()));

                let _second = second?;
                let file = Opened::open(probe, &other)?;
                file.run(READ, 0, &mut buffer)
            })
        })
    }

    /// All disks of a tag set have the same memory for their requests.
    #[test]
    fn a_request_of_another_disk_can_be_refused() -> Result {
        let threads = Workers::new()?;
        each(|dev| {
            dev.bind(|probe| {
                let (shop, first) = shop(probe, ALL, TagSetOptions::new(1, 1), DISK)?;
                let other = name()?;
                let tags = shop.tags.clone();
                let second = Disk::add(probe.core(), tags, fmt!("{}", &*other), 8, DISK)?;
                let read = |name| -> Result<Arc<Thread>> {
                    let file = Opened::open(probe, name)?;
                    Thread::new(&shop, Task::Read(file))
                };
                let readers = [read(&*shop.name)?, read(&*other)?];
                let before = shop.script.requests.load(Relaxed);
                shop.script.set(Mode::Trade);
                // The other disk is read while the first one's `queue_rq` looks for its request.
                threads.start(readers[0].clone())?;
                check!(wait_until(|| shop.script.requests.load(Relaxed) != before));
                threads.start(readers[1].clone())?;

                // What the first one did not find is queued again here.
                let inside = shop.gate.try_access().ok_or(ENODEV)?;
                let take = || {
                    inside.with(|shelf| {
                        let traded = { shelf.traded.lock().take() };
                        drop(traded);
                    });
                };
                let done = wait_until(|| {
                    let done = readers.iter().all(|reader| reader.is_done());
                    // Not before the first one has had its time.
                    if readers[0].is_done() {
                        take();
                    }
                    done
                });
                shop.script.set(Mode::Serve);
                check!(done);
                for reader in &readers {
                    check_eq!(*reader.result.lock(), Ok(()));
                }
                drop(first);
                drop(second);
                Ok(())
            })
        })
    }
}
