// SPDX-License-Identifier: GPL-2.0

//! Requests of the block layer: a command for each, with its data.

use crate::{
    controller::{
        Access,
        AccessBy,
        Controller,
        Nvme,
        PAGE_SHIFT, //
    },
    device::{
        Device,
        DeviceLt, //
    },
    io::{
        Io,
        Place, //
    },
    ioctl::Caller,
    protocol::{
        command::{
            nvm,
            Command,
            DEALLOCATE,
            FORCE_UNIT_ACCESS,
            RANGES_DEALLOCATE, //
        },
        completion::Status,
        describe::{
            Description,
            List, //
        },
        flights::Lateness,
        identify::Geometry, //
    },
    stage::Staged, //
};
use dma_map::{
    blk::{
        self,
        Batch,
        Claimed,
        Expired,
        Last,
        Opener,
        Operation,
        Refused,
        Request,
        RequestInfo,
        Requests,
        TimedOut, //
    },
    gate::Gate,
    FromDevice,
    MapError,
    ToDevice, //
};
// Those of the `kernel` crate are calls.
use core::sync::atomic::{
    AtomicBool,
    Ordering::Relaxed, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// When data is described by an SGL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sgls {
    /// Never: the controller has none.
    Never,
    /// If the segments have this many bytes on average, or PRP entries cannot describe them.
    From(u32),
    /// Always.
    Always,
}

/// What a command has that the controller accesses, besides mapped data.
pub(crate) enum Memory<'bound> {
    /// The description of data.
    List(#[allow(dead_code, reason = "it is kept for the device")] List<'bound, Access<'bound>>),
    /// Staged data.
    Read(Staged<'bound, FromDevice>),
    Write(#[allow(dead_code, reason = "it is kept for the device")] Staged<'bound, ToDevice>),
}

/// How often a command that fails is sent again, as the kernel's own driver does.
const RETRIES_MAX: u8 = 5;

/// Ends a request whose command has ended, or sends the command again.
#[inline]
pub(crate) fn complete<'x>(
    batch: &mut Batch<'_, Device<'x>>,
    mut request: Claimed<Device<'x>>,
    status: Status,
) {
    if status.is_temporary() {
        return again(request, status);
    }
    let result = status.to_block();
    if !matches!(request.command(), Some(Memory::Read(_))) {
        // Never busy, as the command has ended.
        let _ = batch.complete(request, result);
        return;
    }
    let Ok((mut request, memory)) = request.into_request() else {
        return;
    };
    let result = result.and_then(|()| match memory {
        Some(Memory::Read(buffer)) => {
            let buffer = buffer.complete()?;
            // CAST: To the wider type.
            let data = buffer.as_slice().get(..request.bytes() as usize);
            request.copy_from(0, data.ok_or(EIO)?)
        }
        _ => Ok(()),
    });
    batch.end(request, result);
}

/// Sends a command that has failed again, or ends its request.
#[cold]
fn again(request: Claimed<Device<'_>>, status: Status) {
    // Never busy, as the command has ended.
    let Ok((request, memory)) = request.into_request() else {
        return;
    };
    drop(memory);
    match request.retry(RETRIES_MAX) {
        Ok(again) => drop(again),
        Err(request) => request.end(status.to_block()),
    }
}

/// A namespace that is a disk.
pub(crate) struct Namespace {
    /// Where the controller is, for ioctls.
    gate: Arc<Gate<DeviceLt>>,
    pub(crate) id: u32,
    /// As it was when the disk was made.
    pub(crate) geometry: Geometry,
    /// A block has 2^n sectors.
    pub(crate) sector_shift: u32,
    pub(crate) sgls: Sgls,
    /// Whether zeroed blocks may be deallocated.
    pub(crate) deallocates: bool,
    /// Whether the format has changed: commands would move another number of bytes than the block layer
    /// thinks.
    stale: AtomicBool,
}

impl Namespace {
    /// Returns a namespace of the controller in `gate`.
    pub(crate) fn new(
        gate: Arc<Gate<DeviceLt>>,
        id: u32,
        geometry: Geometry,
        sgls: Sgls,
        deallocates: bool,
    ) -> Self {
        Self {
            gate,
            id,
            geometry,
            // At least 9, by the checks of `Geometry`.
            sector_shift: geometry.block_shift.saturating_sub(9),
            sgls,
            deallocates,
            stale: AtomicBool::new(false),
        }
    }

    /// Fails all requests from here on.
    pub(crate) fn set_stale(&self) {
        self.stale.store(true, Relaxed);
    }

    /// Returns the blocks of a request: the first one, and how many.
    #[inline]
    fn blocks(&self, request: &RequestInfo<Device<'_>>) -> (u64, u32) {
        // Both shifts are small, by the checks of `Geometry`.
        (
            request.sector().wrapping_shr(self.sector_shift),
            request.bytes().wrapping_shr(self.geometry.block_shift),
        )
    }

    #[inline]
    fn uses_sgl(&self, request: &RequestInfo<Device<'_>>) -> bool {
        match self.sgls {
            Sgls::Never => false,
            Sgls::From(least) => {
                (request.bytes() >= least
                    && u64::from(request.bytes())
                        >= u64::from(least).wrapping_mul(request.segments().into()))
                    || request.has_gaps((1 << PAGE_SHIFT) - 1)
            }
            Sgls::Always => true,
        }
    }
}

impl<'bound> Device<'bound> {
    /// Starts a read or a write.
    #[inline(never)]
    fn transfer(
        &self,
        request: Request<Self>,
        opcode: u8,
        flags: u32,
        last: Last,
    ) -> Result<(), Refused<Self>> {
        let (queue, tag, bytes) = (request.queue(), request.tag(), request.bytes());
        let namespace = request.disk();
        // Made last, because nothing of it needs to be kept during the mapping.
        let command = |request: &RequestInfo<Self>, pointer| {
            let namespace = request.disk();
            let (first, count) = namespace.blocks(request);
            Command::new(opcode, namespace.id)
                .with_blocks(first, count, flags)
                .with_data(pointer)
        };

        if let Some(stage) = &self.stage {
            if stage.takes(bytes, namespace.sgls) {
                let access = Access::of_tag(self.controller.clone(), queue, tag);
                if let Some((pointer, memory)) = stage.put(&request, access) {
                    let command = command(&request, pointer);
                    self.start_plain(request, command, Some(memory), last);
                    return Ok(());
                }
            }
        }

        let (uses_sgl, most) = (namespace.uses_sgl(&request), request.segments());
        let engine = || Access::of_tag(self.controller.clone(), queue, tag);
        let mut description = Description::none();
        let mapped = request.map(|pieces| {
            // CAST: To the wider type.
            let segments = pieces.map(|piece| (piece.address(), piece.len() as usize));
            if uses_sgl {
                self.lists.by_sgl(segments, most, engine, &mut description)
            } else {
                self.lists
                    .by_prps(segments, PAGE_SHIFT, bytes, engine, &mut description)
            }
        });
        match mapped {
            Ok((mapped, ())) => {
                // A request that is not started is ended by its drop.
                if let Some((io, place)) = self.place(queue, tag) {
                    let command = command(&mapped, description.pointer);
                    match description.list {
                        // Most commands: there is nothing to move.
                        None => mapped.start(None),
                        Some(list) => mapped.start(Some(Memory::List(list))),
                    }
                    io.submit(place, command, last);
                }
                Ok(())
            }
            Err(MapError { error, buffer }) => {
                // While the tag is this request's: the drop of a list asks whether the tag's command has ended.
                drop(description);
                self.unmapped(buffer, error, last)
            }
        }
    }

    /// Returns the queues, and the place of the next command with this tag.
    #[inline]
    fn place(&self, queue: u32, tag: u32) -> Option<(&Io<'bound>, Place<'_, 'bound>)> {
        let io = self.io.as_ref()?;
        Some((io, io.place(queue, tag)?))
    }

    /// Refuses or ends a request whose data was not mapped.
    #[cold]
    fn unmapped(
        &self,
        request: Request<Self>,
        error: Error,
        last: Last,
    ) -> Result<(), Refused<Self>> {
        if error == ENOMEM {
            return Err(request.refuse());
        }
        self.end(request, Err(error), last);
        Ok(())
    }

    /// Starts a command whose request is not mapped.
    #[inline(never)]
    fn start_plain(
        &self,
        request: Request<Self>,
        command: Command,
        memory: Option<Memory<'bound>>,
        last: Last,
    ) {
        let (queue, tag) = (request.queue(), request.tag());
        if let Some((io, place)) = self.place(queue, tag) {
            request.start(memory);
            io.submit(place, command, last);
        }
    }

    /// Starts what is no read and no write.
    fn without_data(
        &self,
        request: Request<Self>,
        flags: u32,
        last: Last,
    ) -> Result<(), Refused<Self>> {
        let namespace = request.disk();
        let command = match request.operation() {
            Operation::Flush => Command::new(nvm::FLUSH, namespace.id),
            Operation::WriteZeroes => {
                let (first, count) = namespace.blocks(&request);
                let deallocate = match namespace.deallocates && !request.is_no_unmap() {
                    true => DEALLOCATE,
                    false => 0,
                };
                Command::new(nvm::WRITE_ZEROES, namespace.id).with_blocks(
                    first,
                    count,
                    flags | deallocate,
                )
            }
            Operation::Discard => return self.discard(request, last),
            Operation::Read | Operation::Write | Operation::Other(_) => {
                self.end(request, Err(EOPNOTSUPP), last);
                return Ok(());
            }
        };
        self.start_plain(request, command, None, last);
        Ok(())
    }

    /// Starts a discard.
    fn discard(&self, request: Request<Self>, last: Last) -> Result<(), Refused<Self>> {
        let (first, count) = request.disk().blocks(&request);
        let access = Access::of_tag(self.controller.clone(), request.queue(), request.tag());

        match self.lists.by_range(first, count, access) {
            Ok((pointer, list)) => {
                // One range: the number is less 1.
                let command = Command::new(nvm::DATASET_MANAGEMENT, request.disk().id)
                    .with_words([0, RANGES_DEALLOCATE])
                    .with_data(pointer);
                self.start_plain(request, command, Some(Memory::List(list)), last);
                Ok(())
            }
            Err(_) => Err(request.refuse()),
        }
    }

    /// Ends a request that the controller does not get. The ones before it must still get there.
    #[cold]
    fn end(&self, request: Request<Self>, result: Result, last: Last) {
        let queue = request.queue();
        request.end(result);
        if last == Last::Yes {
            blk::Operations::commit_rqs(self, queue);
        }
    }
}

#[vtable]
impl<'bound> blk::Operations for Device<'bound> {
    type Disk = Arc<Namespace>;
    type Command = Option<Memory<'bound>>;
    type Mark = Nvme;
    type Engine<'a>
        = AccessBy<&'a Controller<'bound>>
    where
        Self: 'a;

    #[inline(always)]
    fn engine(&self, queue: u32, tag: u32) -> Self::Engine<'_> {
        AccessBy::of_tag(&*self.controller, queue, tag)
    }

    #[inline(always)]
    fn queue_rq(&self, request: Request<Self>, last: Last) -> Result<(), Refused<Self>> {
        if self.dead.load(Relaxed) || request.disk().stale.load(Relaxed) {
            self.end(request, Err(EIO), last);
            return Ok(());
        }
        let fua = match request.is_fua() {
            true => FORCE_UNIT_ACCESS,
            false => 0,
        };
        match request.operation() {
            Operation::Read => self.transfer(request, nvm::READ, fua, last),
            Operation::Write => self.transfer(request, nvm::WRITE, fua, last),
            _ => self.without_data(request, fua, last),
        }
    }

    /// Rings the doorbell of a queue once for the requests that follow each other.
    fn queue_rqs(&self, requests: &mut Requests<'_, Self>) {
        while let Some(request) = requests.next() {
            let queue = request.queue();
            let last = match requests.next_queue() {
                Some(next) if next == queue => Last::No,
                _ => Last::Yes,
            };
            // The drop queues it again.
            if self.queue_rq(request, last).is_err() && last == Last::Yes {
                self.commit_rqs(queue);
            }
        }
    }

    #[inline]
    fn commit_rqs(&self, queue: u32) {
        if let Some(io) = self.io.as_ref() {
            io.commit(queue);
        }
    }

    #[inline]
    fn poll(&self, queue: u32) -> u32 {
        self.io.as_ref().map_or(0, |io| io.poll(queue))
    }

    /// Nobody may have polled for the command. One that is late is aborted, and one that is late again costs a
    /// reset: see [`tend`](Device::tend). The request stays started until one of the two has ended it.
    fn timeout<'a>(&self, request: TimedOut<'a, Self>) -> Expired<'a, Self> {
        if let (Some(flights), Some((io, disks))) = (
            self.controller.flights(request.queue()),
            self.io
                .as_ref()
                .and_then(|io| Some((io, io.disks.as_ref()?))),
        ) {
            let queue = request.queue();
            // Before the poll: if that ends the request, its tag may be another one's.
            let lateness = flights.expire(request.tag());
            io.poll(queue);
            match lateness {
                Lateness::InTime => {}
                Lateness::Late if self.controller.check().is_ok() => disks.tend_later(),
                _ => disks.reset_later(),
            }
        }
        Expired::Wait(request)
    }

    /// Runs a command; see [`Caller::ioctl`].
    fn ioctl(disk: &Arc<Namespace>, opener: Opener, cmd: u32, arg: usize) -> Result<i32> {
        Caller::of_disk(&disk.gate, disk, opener).ioctl(cmd, arg)
    }
}
