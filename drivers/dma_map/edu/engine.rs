// SPDX-License-Identifier: GPL-2.0

//! The device behind the mailbox: its registers, its events and its DMA engine.
//!
//! The engine knows one command at a time: copy up to 4096 bytes between memory and the device's
//! buffer. It takes 100 ms for it, and there is no command to stop it. What does stop it is the bus
//! master bit: without it the device counts on, reads and writes nothing, and then calls the
//! command done. An old command must have come to that end before the bit is set again.

use crate::{
    events::{
        self,
        Deadline,
        Events, //
    },
    regs::{
        self,
        Bar,
        DMA_COMMAND,
        DMA_COUNT,
        DMA_DESTINATION,
        DMA_SOURCE,
        FACTORIAL,
        IDENTIFICATION,
        IRQ_ACKNOWLEDGE,
        IRQ_RAISE,
        IRQ_STATUS,
        LIVENESS,
        STATUS, //
    },
};
use dma_map::{
    direction::{
        CpuReads,
        CpuWrites,
        Direction, //
    },
    pci::BusMaster,
    Engine,
    Piece, //
};
use kernel::{
    device::Bound,
    io::{
        poll::read_poll_timeout,
        Io, //
    },
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::Delta, //
};

/// An `edu` device that is bound to this driver.
#[pin_data]
pub(crate) struct Edu<'bound> {
    // Dropped before the BAR, like everything that the device may still do.
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
    #[pin]
    events: Events,
    /// Whether the device has an interrupt; it is polled otherwise.
    interrupts: Atomic<bool>,
    /// Whether the next command must wait for the end of an old one, and give bus mastering back.
    stopped: Atomic<bool>,
    /// How many transfers the device has completed.
    transfers: Atomic<u32>,
}

/// Returns whether the registers are there.
///
/// Those of a device that was pulled out, or whose memory is disabled, read as all ones on some
/// machines and as 0 on others, and 0 would look like an idle device.
fn answers(bar: &Bar<'_>) -> bool {
    u32::from(bar.read(IDENTIFICATION).magic()) == regs::MAGIC
}

/// Returns whether the device has no command, on its own word.
fn is_idle(bar: &Bar<'_>) -> bool {
    !bar.read(DMA_COMMAND).start() && answers(bar)
}

/// Waits until the device has come to the end of a command, however it ends.
fn wait_idle(bar: &Bar<'_>) -> Result {
    read_poll_timeout(
        || Ok(is_idle(bar)),
        |idle| *idle,
        Delta::from_millis(5),
        Delta::from_millis(1000),
    )
    .map(|_| ())
    .map_err(|_| EIO)
}

impl<'bound> Edu<'bound> {
    /// Maps the registers of `pdev`, and enables DMA.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: this is not an `edu`.
    /// - `EIO`: a command of who had the device before does not end.
    /// - Those of mapping a BAR, and `ENOMEM`.
    pub(crate) fn new(pdev: &'bound pci::Device<Bound>) -> Result<Arc<Self>> {
        let bar: Bar<'bound> = pdev.iomap_region_sized(0, c"dma_map_edu")?;

        if !answers(&bar) {
            return Err(ENODEV);
        }
        // An old command would run on, in memory that is not its own any more.
        wait_idle(&bar)?;
        bar.write_reg(STATUS::zeroed());
        bar.write_reg(IRQ_ACKNOWLEDGE::from(u32::MAX));

        Arc::pin_init(
            try_pin_init!(Self {
                master: BusMaster::new(pdev),
                bar,
                events <- Events::new(),
                interrupts: Atomic::new(false),
                stopped: Atomic::new(false),
                transfers: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }

    /// Returns whether the device is there, and not just what its registers read as without it.
    pub(crate) fn answers(&self) -> bool {
        answers(&self.bar)
    }

    /// Returns the identification register.
    pub(crate) fn identification(&self) -> IDENTIFICATION {
        self.bar.read(IDENTIFICATION)
    }

    /// Shows `value` to the device, and returns what it makes of it.
    pub(crate) fn liveness(&self, value: u32) -> u32 {
        self.bar.write_reg(LIVENESS::from(value));
        self.bar.read(LIVENESS).into_raw()
    }

    /// Lets the device compute the factorial of `n`, modulo 2^32.
    ///
    /// # Errors
    ///
    /// - `EBUSY`: a computation that was given up is still running.
    /// - `ETIMEDOUT`, `ENODEV`: see [`Events::wait`].
    pub(crate) fn factorial(&self, n: u32, deadline: &Deadline) -> Result<u32> {
        if self.bar.read(STATUS).computing() {
            return Err(EBUSY);
        }

        self.events.forget(regs::IRQ_FACTORIAL);
        self.bar
            .write_reg(STATUS::zeroed().with_factorial_irq(self.has_interrupts()));
        self.bar.write_reg(FACTORIAL::from(n));
        self.wait(regs::IRQ_FACTORIAL, deadline, || {
            !self.bar.read(STATUS).computing()
        })?;

        Ok(self.bar.read(FACTORIAL).into_raw())
    }

    /// Lets the device copy `piece` to its buffer, to offset `at`.
    ///
    /// To be called in a [`Transfer`](dma_map::Transfer), which stops the device after an error, and
    /// by one thread at a time, which may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the range does not lie within the device's buffer.
    /// - `EIO`: the device does not come back from a command that was given up.
    /// - `ETIMEDOUT`, `ENODEV`: see [`Events::wait`].
    pub(crate) fn fill<D: CpuWrites>(
        &self,
        piece: Piece<'_, D, Self>,
        at: usize,
        deadline: &Deadline,
    ) -> Result {
        let (address, len) = numbers(piece)?;
        let buffer = buffer_address(at, len)?;
        self.run(address, buffer, len, DMA_COMMAND::zeroed(), deadline)
    }

    /// Lets the device copy its buffer, from offset `at`, to `piece`.
    ///
    /// As [`fill`](Self::fill), the other way.
    pub(crate) fn drain<D: CpuReads>(
        &self,
        piece: Piece<'_, D, Self>,
        at: usize,
        deadline: &Deadline,
    ) -> Result {
        let (address, len) = numbers(piece)?;
        let buffer = buffer_address(at, len)?;
        let command = DMA_COMMAND::zeroed().with_to_memory(true);
        self.run(buffer, address, len, command, deadline)
    }

    /// Runs one command.
    fn run(
        &self,
        source: u32,
        destination: u32,
        bytes: u32,
        command: DMA_COMMAND,
        deadline: &Deadline,
    ) -> Result {
        self.resume()?;
        // It is idle at once, unless it is not there. Maybe it comes back.
        self.events
            .wait(deadline, Some(events::POLL), |_| self.is_idle())?;

        self.events.forget(regs::IRQ_DMA);
        self.bar.write_reg(DMA_SOURCE::from(source));
        self.bar.write_reg(DMA_DESTINATION::from(destination));
        self.bar.write_reg(DMA_COUNT::from(bytes));
        self.bar
            .write_reg(command.with_start(true).with_irq(self.has_interrupts()));

        // An event may be late, and then be that of a command before, so idle it must be as well.
        self.wait(regs::IRQ_DMA, deadline, || self.is_idle())
            // It may have lost its bus mastering by other means, and be idle in spite of that.
            .inspect_err(|_| self.stopped.store(true, Relaxed))?;
        self.transfers.add(1, Relaxed);
        Ok(())
    }

    /// Brings the device back, if it was stopped or has not answered.
    fn resume(&self) -> Result {
        if !self.stopped.load(Relaxed) {
            return Ok(());
        }

        wait_idle(&self.bar)?;
        self.bar.write_reg(IRQ_ACKNOWLEDGE::from(u32::MAX));
        self.master.enable();
        self.stopped.store(false, Relaxed);
        Ok(())
    }

    /// Waits for `event`, if the device has interrupts, and for `done`.
    fn wait(&self, event: u32, deadline: &Deadline, done: impl Fn() -> bool) -> Result {
        if self.has_interrupts() {
            self.events
                .wait(deadline, None, |events| events & event != 0 && done())
        } else {
            self.events.wait(deadline, Some(events::POLL), |_| done())
        }
    }

    /// Acknowledges what the device has raised, and notes it; `false` if it has raised nothing.
    ///
    /// Context: hard IRQ.
    pub(crate) fn acknowledge(&self) -> bool {
        let events = self.bar.read(IRQ_STATUS).into_raw();

        // All ones is what a device that was pulled out reads as.
        if events == 0 || events == u32::MAX {
            return false;
        }
        self.bar.write_reg(IRQ_ACKNOWLEDGE::from(events));
        self.events.raise(events);
        true
    }

    /// The device's events.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    /// Returns how many transfers the device has completed; wraps around.
    pub(crate) fn transfers(&self) -> u32 {
        self.transfers.load(Relaxed)
    }

    fn has_interrupts(&self) -> bool {
        self.interrupts.load(Relaxed)
    }

    /// Tries whether an interrupt that the device raises arrives, and relies on it from now on if
    /// so.
    pub(crate) fn try_interrupt(&self) -> Result {
        self.events.forget(regs::IRQ_TEST);
        self.bar.write_reg(IRQ_RAISE::from(regs::IRQ_TEST));
        let result = self.events.wait(&Deadline::after_ms(100), None, |events| {
            events & regs::IRQ_TEST != 0
        });

        self.bar.write_reg(IRQ_ACKNOWLEDGE::from(regs::IRQ_TEST));
        self.interrupts.store(result.is_ok(), Relaxed);
        result
    }

    /// Leaves the device idle and silent, for whoever binds to it next.
    ///
    /// Context: may sleep, for as long as a transfer takes.
    pub(crate) fn shut_down(&self) {
        let _ = self.quiesce();
        // If the device does not end its command, nothing can be done about it; without bus
        // mastering it does no harm.
        let _ = wait_idle(&self.bar);
        self.bar.write_reg(STATUS::zeroed());
        let _ = read_poll_timeout(
            || Ok(self.bar.read(STATUS)),
            |status| !status.computing(),
            Delta::from_millis(1),
            Delta::from_millis(1000),
        );
        self.bar.write_reg(IRQ_ACKNOWLEDGE::from(u32::MAX));
    }
}

/// Returns address and length of `piece`, as the registers take them.
fn numbers<D: Direction, E>(piece: Piece<'_, D, E>) -> Result<(u32, u32)> {
    Ok((piece.address().try_into()?, piece.len().try_into()?))
}

/// Returns the device's own address of `len` bytes at offset `at` of its buffer.
fn buffer_address(at: usize, len: u32) -> Result<u32> {
    let at = at.try_into()?;

    match len.checked_add(at) {
        Some(end) if end <= regs::BUFFER_SIZE => Ok(regs::BUFFER + at),
        _ => Err(EINVAL),
    }
}

// SAFETY:
// - `start` is set while the device has a command, and the device clears it after its last access.
//   Reading the register pushes what the device has written ahead of the answer, so that it is in
//   memory then. That it was the device who answered is seen from its identification. The device
//   starts nothing by itself.
// - A PCI function without bus mastering issues no requests, and the read after that pushes those
//   that were under way. `resume()`, the only place that enables bus mastering again, waits for the
//   old command's end first, so it is never gone on with. `new()` does the same for what it finds.
// - `run()` is the only place that writes an address of memory. It gets it from a `Piece` with the mark
//   of this engine: of a handle in a state of the device, with the length that belongs to it. The
//   handles are those of `message` and `payload`, which make them for this device, and not for another
//   one of its kind.
unsafe impl Engine for Edu<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        is_idle(&self.bar)
    }

    fn quiesce(&self) -> Result {
        // Nobody else looks at it meanwhile: transfers end in the one thread that uses the engine,
        // and other handles are dropped when there is none any more.
        self.stopped.store(true, Relaxed);
        self.master.disable();
        let _ = self.bar.read(DMA_COMMAND);
        Ok(())
    }
}
