// SPDX-License-Identifier: GPL-2.0

//! Ioctls of a disk: what they get, and what is left of the disk when they are called.

use super::{
    io::*,
    *, //
};
use crate::workers::Workers;
use dma_map::blk::Opener;
use kernel::{
    impl_has_work,
    new_work,
    time::delay::fsleep,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// The ioctls of the driver: the number of the disk; how it was opened; the argument; a number that is an
/// errno for C; and one that lasts.
const NUMBER: u32 = 0x4400;
const OPENED: u32 = 0x4401;
const ARGUMENT: u32 = 0x4402;
const NEGATIVE: u32 = 0x4403;
const LAST: u32 = 0x4404;
/// As `LAST`, but inside the gate, until that closes.
const INSIDE: u32 = 0x4405;

/// The kernel's own `BLKFLSBUF`.
const FLUSH_BUFFERS: u32 = 0x1261;

/// What the case and the driver share.
struct Desk {
    /// How many ioctls there were, and how many disks are left.
    calls: Atomic<u32>,
    disks: Atomic<u32>,
    /// Whether one that lasts has begun, and whether it may end.
    begun: Atomic<bool>,
    over: Atomic<bool>,
    /// Whether the gate closes.
    closing: Atomic<bool>,
}

impl Desk {
    fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                calls: Atomic::new(0),
                disks: Atomic::new(0),
                begun: Atomic::new(false),
                over: Atomic::new(false),
                closing: Atomic::new(false),
            },
            GFP_KERNEL,
        )?)
    }

    /// Stays until `end` is set.
    fn last(&self, end: &Atomic<bool>) {
        self.begun.store(true, Relaxed);
        while !end.load(Relaxed) {
            fsleep(Delta::from_millis(1));
        }
    }
}

/// The driver's part that is in the gate.
struct Clerk<'x> {
    desk: Arc<Desk>,
    _dma: DmaDevice<'x>,
}

type Clerks = ForLt!(Clerk<'_>);

impl Guarded for Clerk<'_> {
    fn shutdown(&self) {
        self.desk.closing.store(true, Relaxed);
    }
}

/// The driver's data of a disk.
struct Counted {
    number: i32,
    desk: Arc<Desk>,
    gate: Arc<Gate<Clerks>>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.desk.disks.fetch_sub(1, Relaxed);
    }
}

#[vtable]
impl blk::Operations for Clerk<'_> {
    type Disk = Counted;
    type Command = ();
    type Mark = Scripted;
    type Engine<'a>
        = Scripted
    where
        Self: 'a;

    fn engine(&self, _queue: u32, _tag: u32) -> Scripted {
        Scripted::idle()
    }

    fn queue_rq(&self, request: Request<Self>, _last: Last) -> Result<(), Refused<Self>> {
        request.end(Err(EIO));
        Ok(())
    }

    fn ioctl(disk: &Counted, opener: Opener, cmd: u32, arg: usize) -> Result<i32> {
        disk.desk.calls.add(1, Relaxed);
        match cmd {
            NUMBER => Ok(disk.number),
            OPENED => Ok(i32::from(opener.is_writable()) | i32::from(opener.is_partition()) << 1),
            ARGUMENT => Ok(i32::try_from(arg & 0xffff)?),
            NEGATIVE => Ok(-7),
            LAST => {
                disk.desk.last(&disk.desk.over);
                disk.gate.try_access().map(|_| disk.number).ok_or(ENXIO)
            }
            INSIDE => {
                let inside = disk.gate.try_access().ok_or(ENXIO)?;
                inside.with(|clerk| clerk.desk.last(&clerk.desk.closing));
                Ok(disk.number)
            }
            _ => Err(ENOTTY),
        }
    }
}

/// Makes the disk 7 of a gate that is made.
fn disk(probe: &Probe<'_, '_>, desk: &Arc<Desk>) -> Result<(Disk<Clerks>, CString)> {
    let shared = desk.clone();
    let gate = probe.gate::<Clerks>(ALL, |dma| {
        let clerk = Clerk {
            desk: shared,
            _dma: dma,
        };
        Ok(KBox::pin(clerk, GFP_KERNEL)?)
    })?;
    let tags = TagSet::new(&gate, TagSetOptions::new(1, DEPTH))?;
    let name = name()?;
    let counted = Counted {
        number: 7,
        desk: desk.clone(),
        gate,
    };
    desk.disks.add(1, Relaxed);
    let disk = Disk::add(probe.core(), tags, fmt!("{}", &*name), counted, DISK)?;

    Ok((disk, name))
}

/// An ioctl in another thread.
#[pin_data]
struct Thread {
    #[pin]
    work: Work<Thread>,
    cmd: u32,
    #[pin]
    file: SpinLock<Option<Opened>>,
    #[pin]
    result: SpinLock<Option<Result<i32>>>,
}

impl_has_work! {
    impl HasWork<Self> for Thread { self.work }
}

impl WorkItem for Thread {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let file = { this.file.lock().take() };
        let result = file.as_ref().map(|file| file.ioctl(this.cmd, 0));
        // As the last one that has it.
        drop(file);
        *this.result.lock() = result;
    }
}

impl Thread {
    /// Starts an ioctl, and waits until it has begun.
    fn start(workers: &Workers, desk: &Desk, cmd: u32, file: Opened) -> Result<Arc<Self>> {
        let this = Arc::pin_init(
            pin_init!(Self {
                work <- new_work!("dma_map_kunit::ioctl"),
                cmd,
                file <- new_spinlock!(Some(file)),
                result <- new_spinlock!(None),
            }),
            GFP_KERNEL,
        )?;
        workers.start(this.clone())?;
        check!(wait_until(|| desk.begun.load(Relaxed)));
        Ok(this)
    }

    /// Waits for the result.
    fn end(&self) -> Result<i32> {
        check!(wait_until(|| self.result.lock().is_some()));
        self.result.lock().take().unwrap_or(Err(EINVAL))
    }
}

#[kunit_tests(dma_map_blk_ioctl)]
mod tests {
    use super::*;

    #[test]
    fn an_ioctl_gets_the_disk_and_how_it_was_opened() -> Result {
        each_probe(|probe| {
            let desk = Desk::new()?;
            let (_disk, name) = disk(probe, &desk)?;
            let writer = Opened::open(probe, &name)?;
            let reader = Opened::for_reading(number(probe, &name)?)?;
            check_eq!(writer.ioctl(NUMBER, 0)?, 7);
            check_eq!(writer.ioctl(OPENED, 0)?, 1);
            check_eq!(reader.ioctl(OPENED, 0)?, 0);
            check_eq!(reader.ioctl(ARGUMENT, 0x1234)?, 0x1234);
            // C would take it for an errno.
            check_eq!(reader.ioctl(NEGATIVE, 0)?, 0);
            check_eq!(desk.calls.load(Relaxed), 5);
            #[cfg(CONFIG_COMPAT)]
            check_eq!(reader.compat_ioctl(NUMBER, 0)?, 7);
            Ok(())
        })
    }

    #[test]
    fn an_ioctl_that_is_unknown_is_enotty() -> Result {
        each_probe(|probe| {
            let desk = Desk::new()?;
            let (_disk, name) = disk(probe, &desk)?;
            let file = Opened::open(probe, &name)?;
            check_err!(file.ioctl(0x44ff, 0), ENOTTY);
            check_eq!(desk.calls.load(Relaxed), 1);
            // The kernel's own does not get there.
            file.ioctl(FLUSH_BUFFERS, 0)?;
            check_eq!(desk.calls.load(Relaxed), 1);
            Ok(())
        })
    }

    #[test]
    fn a_disk_without_ioctls_has_none() -> Result {
        each_disk(|_, file| {
            check_err!(file.ioctl(NUMBER, 0), ENOTTY);
            file.ioctl(FLUSH_BUFFERS, 0).map(drop)
        })
    }

    #[test]
    fn an_ioctl_after_the_end_is_enodev() -> Result {
        each(|dev| {
            let desk = Desk::new()?;
            let mut kept = None;
            dev.bind(|probe| {
                let (disk, name) = disk(probe, &desk)?;
                kept = Some(Opened::open(probe, &name)?);
                probe.keep(disk)
            })?;
            let file = kept.ok_or(EINVAL)?;
            check_eq!(file.ioctl(NUMBER, 0)?, 7);
            dev.unbind();
            check_err!(file.ioctl(NUMBER, 0), ENODEV);
            check_eq!(desk.calls.load(Relaxed), 1);
            // The file does not keep the driver's data.
            check_eq!(desk.disks.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn an_ioctl_after_the_end_of_a_disk_that_was_leaked() -> Result {
        each(|dev| {
            let desk = Desk::new()?;
            let mut kept = None;
            dev.bind(|probe| {
                let (disk, name) = disk(probe, &desk)?;
                core::mem::forget(disk);
                kept = Some(Opened::open(probe, &name)?);
                Ok(())
            })?;
            let file = kept.ok_or(EINVAL)?;
            check_eq!(file.ioctl(NUMBER, 0)?, 7);
            dev.unbind();
            check_err!(file.ioctl(NUMBER, 0), ENODEV);
            Ok(())
        })
    }

    #[test]
    fn an_ioctl_of_a_disk_that_was_dropped() -> Result {
        each_probe(|probe| {
            let desk = Desk::new()?;
            let (disk, name) = disk(probe, &desk)?;
            let file = Opened::open(probe, &name)?;
            drop(disk);
            check_err!(file.ioctl(NUMBER, 0), ENODEV);
            check_eq!(desk.disks.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn an_ioctl_outlives_the_binding() -> Result {
        let workers = Workers::new()?;
        each(|dev| {
            let desk = Desk::new()?;
            let mut kept = None;
            dev.bind(|probe| {
                let (disk, name) = disk(probe, &desk)?;
                kept = Some(Opened::open(probe, &name)?);
                probe.keep(disk)
            })?;
            let file = kept.ok_or(EINVAL)?;
            let thread = Thread::start(&workers, &desk, LAST, file)?;
            // It is not waited for.
            dev.unbind();
            check_eq!(desk.disks.load(Relaxed), 1);
            desk.over.store(true, Relaxed);
            check_err!(thread.end(), ENXIO);
            // The ioctl was the last one that had it.
            check_eq!(desk.disks.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn unbind_waits_for_an_ioctl_inside_the_gate() -> Result {
        let workers = Workers::new()?;
        each(|dev| {
            let desk = Desk::new()?;
            let mut kept = None;
            dev.bind(|probe| {
                let (disk, name) = disk(probe, &desk)?;
                kept = Some(Opened::open(probe, &name)?);
                probe.keep(disk)
            })?;
            let file = kept.ok_or(EINVAL)?;
            let thread = Thread::start(&workers, &desk, INSIDE, file)?;
            dev.unbind();
            check!(desk.closing.load(Relaxed));
            check_eq!(thread.end()?, 7);
            check_eq!(desk.disks.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn ioctls_run_at_the_same_time() -> Result {
        let workers = Workers::new()?;
        each(|dev| {
            let desk = Desk::new()?;
            let mut kept = None;
            dev.bind(|probe| {
                let (disk, name) = disk(probe, &desk)?;
                let files = (Opened::open(probe, &name)?, Opened::open(probe, &name)?);
                kept = Some(files);
                probe.keep(disk)
            })?;
            let (first, second) = kept.ok_or(EINVAL)?;
            let thread = Thread::start(&workers, &desk, LAST, first)?;
            check_eq!(second.ioctl(NUMBER, 0)?, 7);
            desk.over.store(true, Relaxed);
            check_eq!(thread.end()?, 7);
            Ok(())
        })
    }
}
