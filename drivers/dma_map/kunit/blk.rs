// SPDX-License-Identifier: GPL-2.0

//! [`blk`]: a disk in memory whose driver does with each request what the case wants.

mod ends;
mod held;
mod io;
mod ioctl;
mod life;
mod mapped;
mod options;
mod poll;
mod quiesce;
mod races;
mod reach;
mod retry;
mod shop;
mod together;
mod vectors;

use self::shop::*;
use crate::{
    check::*,
    device_side,
    engines::Scripted,
    fixture::*,
    miscdevice::name,
    pattern,
    workers::wait_until, //
};
use dma_map::{
    blk::{
        self,
        Claimed,
        Disk,
        DiskOptions,
        Expired,
        Last,
        MappedRequest,
        Operation,
        Refused,
        Request,
        RequestInfo,
        TagSet,
        TagSetOptions,
        TimedOut, //
    },
    gate::{
        Gate,
        Guarded, //
    },
    irq::Vectors,
    sg::Segment,
    Busy,
    DmaDevice,
    DmaLimits,
    MapError, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SpinLock, //
    },
    time::{
        delay::udelay,
        Delta, //
    },
    types::ForLt, //
};

/// How many bytes a disk has.
const SIZE: usize = 1 << 20;

/// How many requests a queue has.
const DEPTH: u32 = 16;

/// What the driver does with the next requests.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Copies the data.
    Serve,
    /// Gives them to a device that never answers.
    Start,
    /// Keeps them.
    Keep,
    /// Fails them.
    Fail(Error),
    /// Drops them.
    Drop,
    /// Refuses so many, and copies then.
    Refuse(u32),
    /// Tries again, so often at most; and copies after so many failures.
    Retry(u8, u32),
    /// Refuses one that it has kept, and keeps this one.
    Swap,
    /// Lets the device move the data.
    Move,
    /// Maps the data, and gives them to a device that never answers.
    Map,
    /// Maps the data, and drops them.
    MapDrop,
    /// Maps so many bytes, and gives up then.
    GiveUp(u32),
    /// Maps so many bytes, and says that this is all.
    Stop(u32),
    /// Maps the data, and keeps them.
    Hold,
    /// Starts them, and keeps the first one whose time is over until the next one's is.
    HoldLate,
    /// Ends those of disk 7, and gives back one of disk 8 in their place.
    Trade,
}

/// What the case and the driver share.
#[pin_data]
struct Script {
    #[pin]
    mode: SpinLock<Mode>,
    /// The requests that were started: queue and tag.
    #[pin]
    started: SpinLock<KVec<(u32, u32)>>,
    /// What was asked for.
    #[pin]
    seen: SpinLock<Option<(Operation, u64, u32, bool)>>,
    /// How many requests there were.
    requests: Atomic<u32>,
    /// How many commands there are.
    commands: Atomic<u32>,
    /// How often the time was over, and how often the device gets the same time again.
    timeouts: Atomic<u32>,
    waits: Atomic<u32>,
    /// Whether the contents of the gate are gone, and how many commands were dropped after that.
    gone: Atomic<bool>,
    late: Atomic<u32>,
    /// The pieces that the device got, and how long they may be.
    #[pin]
    pieces: SpinLock<KVec<Segment>>,
    most: Atomic<u32>,
    /// What mapping failed with.
    #[pin]
    refused: SpinLock<Option<Error>>,
    /// The C structure of the last request.
    last: Atomic<*mut c_void>,
    engine: Scripted,
}

impl Script {
    fn new() -> Result<Arc<Self>> {
        Self::with(Scripted::idle())
    }

    fn with(engine: Scripted) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                mode <- new_spinlock!(Mode::Serve),
                started <- new_spinlock!(KVec::new()),
                seen <- new_spinlock!(None),
                requests: Atomic::new(0),
                commands: Atomic::new(0),
                timeouts: Atomic::new(0),
                waits: Atomic::new(0),
                gone: Atomic::new(false),
                late: Atomic::new(0),
                pieces <- new_spinlock!(KVec::new()),
                most: Atomic::new(u32::MAX),
                refused <- new_spinlock!(None),
                last: Atomic::new(core::ptr::null_mut()),
                engine,
            }),
            GFP_KERNEL,
        )
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock() = mode;
    }

    /// Notes that something is done which needs the contents of the gate.
    fn note_if_late(&self) {
        if self.gone.load(Relaxed) {
            self.late.add(1, Relaxed);
        }
    }

    /// Waits for a request that was started.
    fn started(&self) -> Result<(u32, u32)> {
        check!(wait_until(|| !self.started.lock().is_empty()));
        self.started.lock().pop().ok_or(EINVAL)
    }
}

/// What a device has while it works on a request.
struct Command(Arc<Script>);

impl Drop for Command {
    fn drop(&mut self) {
        self.0.commands.fetch_sub(1, Relaxed);
        self.0.note_if_late();
    }
}

/// Says when the contents of the gate are gone.
struct End(Arc<Script>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.gone.store(true, Relaxed);
    }
}

/// The driver's part that is in the gate.
#[pin_data]
struct Shelf<'x> {
    script: Arc<Script>,
    #[pin]
    memory: SpinLock<KVVec<u8>>,
    #[pin]
    kept: SpinLock<KVec<Request<Shelf<'x>>>>,
    #[pin]
    traded: SpinLock<Option<Refused<Shelf<'x>>>>,
    #[pin]
    mapped: SpinLock<KVec<MappedRequest<Shelf<'x>>>>,
    #[pin]
    late: SpinLock<Option<Claimed<Shelf<'x>>>>,
    dma: DmaDevice<'x>,
    vectors: Option<Vectors<'x>>,
    _end: End,
}

impl Guarded for Shelf<'_> {
    fn shutdown(&self) {}
}

type Shelved = ForLt!(Shelf<'_>);

impl Shelf<'_> {
    /// Does what a request asks for.
    fn serve(&self, request: &mut Request<Self>) -> Result {
        let mut memory = self.memory.lock();
        // A flush has no sector.
        let first = (request.sector() as usize).wrapping_mul(512);
        let range = first..first.wrapping_add(request.bytes() as usize);

        match request.operation() {
            Operation::Read => request.copy_from(0, memory.get(range).ok_or(EINVAL)?),
            Operation::Write => request.copy_to(0, memory.get_mut(range).ok_or(EINVAL)?),
            Operation::WriteZeroes | Operation::Discard => {
                memory.get_mut(range).ok_or(EINVAL)?.fill(0);
                Ok(())
            }
            Operation::Flush => Ok(()),
            Operation::Other(_) => Err(EOPNOTSUPP),
        }
    }
}

impl Shelf<'_> {
    /// Maps the data. The device moves up to `most` bytes of it.
    fn map(
        &self,
        request: Request<Self>,
        most: u32,
        end: Result,
    ) -> Result<MappedRequest<Self>, MapError<Request<Self>>> {
        let mut memory = self.memory.lock();
        let mut at = (request.sector() as usize).wrapping_mul(512);
        let operation = request.operation();
        let mut done = 0;

        self.script.pieces.lock().clear();
        let (mapped, ()) = request.map(|pieces| {
            while done < most {
                let Some(piece) = pieces.cut(self.script.most.load(Relaxed)) else {
                    break;
                };
                let part = memory
                    .get_mut(at..at + piece.len() as usize)
                    .ok_or(EINVAL)?;
                match operation {
                    Operation::Read => device_side::write(self.dma, piece.address(), part)?,
                    _ => device_side::read(self.dma, piece.address(), part)?,
                }
                at += piece.len() as usize;
                done += piece.len();
                self.script.pieces.lock().push(
                    Segment {
                        address: piece.address(),
                        len: piece.len(),
                    },
                    GFP_ATOMIC,
                )?;
            }
            end
        })?;
        Ok(mapped)
    }

    /// Notes why a request was not mapped, and ends it.
    fn not_mapped(&self, failed: MapError<Request<Self>>) {
        *self.script.refused.lock() = Some(failed.error);
        failed.buffer.end(Err(failed.error));
    }
}

#[vtable]
impl<'x> blk::Operations for Shelf<'x> {
    type Disk = u32;
    type Command = Command;
    type Mark = Scripted;
    type Engine<'a>
        = &'a Scripted
    where
        Self: 'a;

    fn engine(&self, _queue: u32, _tag: u32) -> &Scripted {
        &self.script.engine
    }

    fn queue_rq(&self, mut request: Request<Self>, _last: Last) -> Result<(), Refused<Self>> {
        let script = &self.script;
        let mode = *script.mode.lock();
        script.requests.add(1, Relaxed);
        let info: *const RequestInfo<Self> = &*request;
        script.last.store(info.cast_mut().cast(), Relaxed);
        *script.seen.lock() = Some((
            request.operation(),
            request.sector(),
            request.bytes(),
            request.is_fua(),
        ));

        match mode {
            Mode::Serve => {
                let result = self.serve(&mut request);
                request.end(result);
            }
            Mode::Start => {
                let at = (request.queue(), request.tag());
                script.commands.add(1, Relaxed);
                request.start(Command(script.clone()));
                let _ = script.started.lock().push(at, GFP_ATOMIC);
            }
            Mode::Move => match self.map(request, u32::MAX, Ok(())) {
                // The device was not told, so it is done.
                Ok(mapped) => match mapped.unmap() {
                    Ok(request) => request.end(Ok(())),
                    Err(Busy(mapped)) => drop(mapped),
                },
                Err(failed) => self.not_mapped(failed),
            },
            Mode::Hold => match self.map(request, u32::MAX, Ok(())) {
                Ok(mapped) => drop(self.mapped.lock().push(mapped, GFP_ATOMIC)),
                Err(failed) => self.not_mapped(failed),
            },
            Mode::Map | Mode::HoldLate => match self.map(request, u32::MAX, Ok(())) {
                Ok(mapped) => {
                    let at = (mapped.queue(), mapped.tag());
                    script.commands.add(1, Relaxed);
                    mapped.start(Command(script.clone()));
                    let _ = script.started.lock().push(at, GFP_ATOMIC);
                }
                Err(failed) => self.not_mapped(failed),
            },
            Mode::MapDrop => drop(self.map(request, u32::MAX, Ok(()))),
            Mode::GiveUp(most) => match self.map(request, most, Err(EXDEV)) {
                Ok(mapped) => drop(mapped),
                Err(failed) => self.not_mapped(failed),
            },
            Mode::Stop(most) => match self.map(request, most, Ok(())) {
                Ok(mapped) => drop(mapped),
                Err(failed) => self.not_mapped(failed),
            },
            Mode::Keep => {
                let _ = self.kept.lock().push(request, GFP_ATOMIC);
            }
            Mode::Trade if *request.disk() == 7 => {
                request.end(Ok(()));
                // The tag is free, so the other disk gets it, with the same memory.
                for _ in 0..2000 {
                    if let Some(other) = { self.traded.lock().take() } {
                        return Err(other);
                    }
                    udelay(Delta::from_micros(100));
                }
            }
            Mode::Trade => {
                script.set(Mode::Serve);
                *self.traded.lock() = Some(request.refuse());
            }
            Mode::Fail(error) => request.end(Err(error)),
            Mode::Drop => drop(request),
            Mode::Refuse(count) => {
                script.set(match count {
                    1 => Mode::Serve,
                    _ => Mode::Refuse(count - 1),
                });
                return Err(request.refuse());
            }
            Mode::Retry(_, 0) => {
                let result = self.serve(&mut request);
                request.end(result);
            }
            Mode::Retry(most, failures) => {
                script.set(Mode::Retry(most, failures - 1));
                match request.retry(most) {
                    Ok(refused) => return Err(refused),
                    Err(request) => request.end(Err(EREMOTEIO)),
                }
            }
            Mode::Swap => {
                let other = self.kept.lock().pop();
                let _ = self.kept.lock().push(request, GFP_ATOMIC);
                script.set(Mode::Serve);
                if let Some(other) = other {
                    return Err(other.refuse());
                }
            }
        }
        Ok(())
    }

    fn timeout<'a>(&self, request: TimedOut<'a, Self>) -> Expired<'a, Self> {
        self.script.timeouts.add(1, Relaxed);
        let waits = self.script.waits.load(Relaxed);
        if waits != 0 {
            self.script.waits.store(waits - 1, Relaxed);
            return Expired::Wait(request);
        }
        // Ended by the drop.
        if let Some(mapped) = { self.mapped.lock().pop() } {
            drop(mapped);
            return Expired::Done;
        }
        let late = { self.late.lock().take() };
        match request.claim() {
            Ok(claimed) if late.is_none() && *self.script.mode.lock() == Mode::HoldLate => {
                *self.late.lock() = Some(claimed);
                Expired::Done
            }
            Ok(claimed) => {
                let _ = claimed.cancel(ETIMEDOUT);
                Expired::Done
            }
            Err(request) => Expired::Wait(request),
        }
    }
}
