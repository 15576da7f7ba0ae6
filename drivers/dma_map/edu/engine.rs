// SPDX-License-Identifier: GPL-2.0

//! DMA engine of the `edu` device.
//!
//! The engine runs one command at a time: copy up to 4096 bytes between memory and the device's
//! buffer. A command takes 100 ms, and there is no command to stop it. Clearing the bus master bit
//! stops it: the device then reads and writes nothing, and reports the command as done after its
//! 100 ms. An old command must have ended that way before the bit is set again.

use crate::{
    events::{
        self,
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
    wait::Deadline,
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
    // Dropped before the BAR: its drop ends the device's DMA.
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
    #[pin]
    events: Events,
    /// Whether the device has an interrupt; it is polled otherwise.
    interrupts: Atomic<bool>,
    /// Whether the next command must wait for the end of an old one, and enable bus mastering.
    stopped: Atomic<bool>,
    /// How many transfers the device has completed.
    transfers: Atomic<u32>,
}

/// Returns whether the device answers reads of its registers.
///
/// If the device was pulled out, or its memory is disabled, they read as all ones on some machines
/// and as 0 on others. 0 would look like an idle device.
fn answers(bar: &Bar<'_>) -> bool {
    u32::from(bar.read(IDENTIFICATION).magic()) == regs::MAGIC
}

/// Returns whether the device is present and has no command.
fn is_idle(bar: &Bar<'_>) -> bool {
    !bar.read(DMA_COMMAND).start() && answers(bar)
}

/// Waits until the device has no command.
///
/// # Errors
///
/// `EIO` after a second.
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
    /// - `EIO`: an old command, of an earlier binding, does not end.
    /// - Those of mapping a BAR, and `ENOMEM`.
    pub(crate) fn new(pdev: &'bound pci::Device<Bound>) -> Result<Arc<Self>> {
        let bar: Bar<'bound> = pdev.iomap_region_sized(0, c"dma_map_edu")?;

        if !answers(&bar) {
            return Err(ENODEV);
        }
        // An old command would go on once bus mastering is enabled, in memory that was freed.
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

    /// Returns whether the device answers reads of its registers.
    pub(crate) fn answers(&self) -> bool {
        answers(&self.bar)
    }

    /// Returns the identification register.
    pub(crate) fn identification(&self) -> IDENTIFICATION {
        self.bar.read(IDENTIFICATION)
    }

    /// Writes `value` to the liveness register, and returns what it reads as then: the complement.
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
    /// Context: may sleep; one thread at a time; within [`Transfer::start`](dma_map::Transfer::start),
    /// which stops the device after an error.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the range does not lie within the device's buffer.
    /// - `EIO`: a command that was given up does not end.
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
    /// The context and the errors are those of [`fill`](Self::fill).
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
        // Idle at once, unless the device does not answer. It may answer again before the deadline.
        self.events
            .wait(deadline, Some(events::POLL), |_| self.is_idle())?;

        self.events.forget(regs::IRQ_DMA);
        self.bar.write_reg(DMA_SOURCE::from(source));
        self.bar.write_reg(DMA_DESTINATION::from(destination));
        self.bar.write_reg(DMA_COUNT::from(bytes));
        self.bar
            .write_reg(command.with_start(true).with_irq(self.has_interrupts()));

        // A late event may be that of an earlier command, so the device must be idle as well.
        self.wait(regs::IRQ_DMA, deadline, || self.is_idle())
            // Bus mastering may have been disabled by other code; `resume()` enables it again.
            .inspect_err(|_| self.stopped.store(true, Relaxed))?;
        self.transfers.add(1, Relaxed);
        Ok(())
    }

    /// Makes the device ready for a command, if it was stopped or has not answered.
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

    /// Waits for `event` and `done`, or without interrupts polls `done`.
    fn wait(&self, event: u32, deadline: &Deadline, done: impl Fn() -> bool) -> Result {
        if self.has_interrupts() {
            self.events
                .wait(deadline, None, |events| events & event != 0 && done())
        } else {
            self.events.wait(deadline, Some(events::POLL), |_| done())
        }
    }

    /// Acknowledges and records the interrupts that are raised. Returns whether there were any.
    ///
    /// Context: hard IRQ.
    pub(crate) fn acknowledge(&self) -> bool {
        let events = self.bar.read(IRQ_STATUS).into_raw();

        // The registers of a device that was pulled out read as all ones.
        if events == 0 || events == u32::MAX {
            return false;
        }
        self.bar.write_reg(IRQ_ACKNOWLEDGE::from(events));
        self.events.raise(events);
        true
    }

    /// Returns the device's events.
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

    /// Tests whether an interrupt arrives that the device raises; from then on, uses interrupts if so.
    ///
    /// # Errors
    ///
    /// Those of [`Events::wait`].
    pub(crate) fn try_interrupt(&self) -> Result {
        self.events.forget(regs::IRQ_TEST);
        self.bar.write_reg(IRQ_RAISE::from(regs::IRQ_TEST));
        let deadline = Deadline::after(Delta::from_millis(100));
        let result = self
            .events
            .wait(&deadline, None, |events| events & regs::IRQ_TEST != 0);

        self.bar.write_reg(IRQ_ACKNOWLEDGE::from(regs::IRQ_TEST));
        self.interrupts.store(result.is_ok(), Relaxed);
        result
    }

    /// Leaves the device idle, with no interrupt raised, for the next binding.
    ///
    /// Context: may sleep, for as long as a transfer takes.
    pub(crate) fn shut_down(&self) {
        let _ = self.quiesce();
        // A command that does not end can be ignored: without bus mastering it accesses no memory.
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

/// Returns address and length of `piece` as the 32-bit numbers that the registers take.
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
//   The device's earlier writes are in memory before the read of the register completes (PCI's
//   ordering rules). The identification shows that the device has answered. The device starts
//   nothing by itself.
// - A PCI function without bus mastering issues no requests, and the read after that flushes those
//   that were under way. `resume()` is the only place that enables bus mastering again, and waits for
//   the old command's end first, so a stopped command never goes on. `new()` does the same for a
//   command of an earlier binding.
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
        // No other thread uses `stopped` meanwhile: transfers end in the one thread that uses the
        // engine, and other handles are dropped after that thread is done.
        self.stopped.store(true, Relaxed);
        self.master.disable();
        let _ = self.bar.read(DMA_COMMAND);
        Ok(())
    }
}
