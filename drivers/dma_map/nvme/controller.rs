// SPDX-License-Identifier: GPL-2.0

//! Controller: how it is started and stopped, and which memory it may access.
//!
//! This file has the driver's one statement about DMA, `unsafe impl Engine`.
//!
//! A controller is enabled and disabled by a bit of [`CC`], and says in [`CSTS`] when it is done. A
//! disabled controller has forgotten its queues and its commands, and accesses no memory. If it does
//! not become disabled, bus mastering is turned off, and stays off until it is.

mod registers;

use self::registers::{
    Capabilities,
    Registers, //
};
use crate::{
    protocol::{
        command::widen,
        flights::Flights,
        ledger::Ledger, //
    },
    regs::{
        Bar,
        Doorbells,
        ACQ_HIGH,
        ACQ_LOW,
        AQA,
        ASQ_HIGH,
        ASQ_LOW,
        CAP_HIGH,
        CAP_LOW,
        CC,
        CSTS,
        INTMC,
        INTMS,
        SHUTDOWN_DONE,
        SHUTDOWN_NORMAL,
        VS, //
    },
};
use core::{
    ops::Deref,
    sync::atomic::{
        AtomicBool,
        Ordering::Relaxed, //
    }, //
};
use dma_map::{
    once::Once,
    pci::BusMaster,
    Engine, //
};
use kernel::{
    device::Bound,
    dma::DmaAddress,
    io::Io,
    num::Bounded,
    pci,
    prelude::*,
    sync::Arc,
    time::Delta, //
};

/// The size of a page of the controller: 2^12 bytes, which every machine's pages are a multiple of.
pub(crate) const PAGE_SHIFT: u32 = 12;

/// How long an orderly shutdown may take, if the controller says no time of its own.
const SHUTDOWN: Delta = Delta::from_secs(5);

/// A controller that is bound to this driver.
pub(crate) struct Controller<'bound> {
    // Dropped before the BAR: its drop ends the device's DMA.
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
    cap: Capabilities,
    /// The commands of the queue pairs that run one at a time.
    ledgers: [Ledger; Pair::COUNT],
    /// The commands of the block layer's queues.
    flights: Once<KVec<Arc<Flights>>>,
    /// Whether interrupts are the INTx line, and no messages.
    has_line: AtomicBool,
}

/// The queue pairs that run one command at a time: for admin commands, and for I/O of user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    Admin,
    Io,
}

impl Pair {
    const COUNT: usize = 2;

    /// Returns the number of both queues.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Admin => 0,
            Self::Io => 1,
        }
    }
}

impl<'bound> Controller<'bound> {
    /// Maps the registers of `pdev`, makes sure that the controller is disabled, and enables DMA.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: the controller does not answer, or cannot work with pages of 4 KiB, or has not the
    ///   NVM command set.
    /// - `ETIMEDOUT`: it does not become disabled.
    /// - Those of mapping a BAR, and `ENOMEM`.
    pub(crate) fn new(pdev: &'bound pci::Device<Bound>) -> Result<Arc<Self>> {
        let bar: Bar<'bound> = pdev.iomap_region_sized(0, c"dma_map_nvme")?;
        let registers = Registers(&bar);
        registers.status()?;
        let cap = Capabilities {
            low: bar.read(CAP_LOW),
            high: bar.read(CAP_HIGH),
        };
        if u32::from(cap.high.page_min()) != 0 || !cap.high.nvm_commands() {
            return Err(ENODEV);
        }
        // An earlier binding, or firmware, may have left it enabled, with queues in memory that is
        // used for something else now.
        registers.disable(cap.timeout())?;

        Ok(Arc::new(
            Self {
                master: BusMaster::new(pdev),
                bar,
                cap,
                ledgers: [const { Ledger::new() }; Pair::COUNT],
                flights: Once::new(),
                // It has no vectors yet.
                has_line: AtomicBool::new(true),
            },
            GFP_KERNEL,
        )?)
    }

    /// Enters that interrupts are messages.
    pub(crate) fn set_messages(&self) {
        self.has_line.store(false, Relaxed);
    }

    /// Returns whether interrupts are the INTx line, which other devices may share.
    pub(crate) fn has_line(&self) -> bool {
        self.has_line.load(Relaxed)
    }

    /// Calls `f` while the controller does not raise the INTx line.
    ///
    /// The line is raised as long as there is a completion that was not taken. So a handler that leaves one to
    /// this thread would be called again and again, and might not let the thread run. An error is one of the
    /// controller: it has to be disabled, which ends the mask.
    pub(crate) fn without_line<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        if !self.has_line() {
            return f();
        }
        self.bar.write_reg(INTMS::zeroed().with_first(true));
        let result = f();
        if result.is_ok() {
            self.bar.write_reg(INTMC::zeroed().with_first(true));
        }
        result
    }

    fn registers(&self) -> Registers<'_, 'bound> {
        Registers(&self.bar)
    }

    /// Returns the version of the specification: major, minor and tertiary.
    pub(crate) fn version(&self) -> (u16, u8, u8) {
        let version = self.bar.read(VS);
        (
            version.major().into(),
            version.minor().into(),
            version.tertiary().into(),
        )
    }

    /// Returns the largest number of entries of a queue.
    pub(crate) fn queue_max(&self) -> u32 {
        u32::from(u16::from(self.cap.low.queue_max())).saturating_add(1)
    }

    /// Returns the commands of a queue pair.
    pub(crate) fn ledger(&self, pair: Pair) -> &Ledger {
        let [admin, io] = &self.ledgers;
        match pair {
            Pair::Admin => admin,
            Pair::Io => io,
        }
    }

    /// Makes the block layer's queues known, once. `false` if they are.
    pub(crate) fn set_flights(&self, flights: KVec<Arc<Flights>>) -> bool {
        self.flights.populate(flights)
    }

    /// Returns the commands of one of the block layer's queues.
    #[inline]
    pub(crate) fn flights(&self, queue: u32) -> Option<&Flights> {
        // CAST: To the wider type.
        Some(&**self.flights.as_ref()?.get(queue as usize)?)
    }

    /// Returns the doorbells of a queue pair.
    pub(crate) fn doorbells(&self, number: u16) -> Doorbells {
        Doorbells::of(self.cap.high, number)
    }

    /// Returns the registers, for doorbells.
    #[inline]
    pub(crate) fn bar(&self) -> &Bar<'bound> {
        &self.bar
    }

    /// Returns whether the controller is disabled.
    #[inline(never)]
    fn is_disabled(&self) -> bool {
        self.registers().is_disabled()
    }

    /// Returns whether the controller can go on.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: it does not answer.
    /// - `EIO`: it has failed, or is not enabled.
    pub(crate) fn check(&self) -> Result {
        let status = self.registers().status()?;
        if status.fatal() || !status.ready() {
            return Err(EIO);
        }
        Ok(())
    }

    /// Enables the controller, with an admin queue of `entries` entries at these addresses, of memory
    /// that carries [`Access::while_enabled`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the number of entries.
    /// - `EBUSY`: the controller is not disabled.
    /// - `ETIMEDOUT`: it has not become ready.
    /// - `EIO`: it has failed.
    /// - `ENODEV`: it does not answer.
    pub(crate) fn enable(
        &self,
        (submissions, completions): (DmaAddress, DmaAddress),
        entries: u16,
    ) -> Result {
        /// The sizes of the entries: 2^6 and 2^4 bytes.
        const CONFIG: CC = pin_init::zeroed::<CC>()
            .with_const_submission_size::<6>()
            .with_const_completion_size::<4>();

        let last = u32::from(entries).checked_sub(1).ok_or(EINVAL)?;
        let last = Bounded::<u32, 12>::try_new(last).ok_or(EINVAL)?;
        if !self.is_disabled() {
            return Err(EBUSY);
        }
        // Off if an engine was stopped; nothing that it had then goes on.
        self.master.enable();

        self.bar.write_reg(
            AQA::zeroed()
                .with_submission_entries(last)
                .with_completion_entries(last),
        );
        let (low, high) = halves(submissions);
        self.bar.write_reg(ASQ_LOW::from(low));
        self.bar.write_reg(ASQ_HIGH::from(high));
        let (low, high) = halves(completions);
        self.bar.write_reg(ACQ_LOW::from(low));
        self.bar.write_reg(ACQ_HIGH::from(high));
        self.bar.write_reg(CONFIG.with_enable(true));
        let status = self.registers().wait(self.cap.timeout(), |status| {
            status.ready() || status.fatal()
        })?;
        if status.fatal() {
            return Err(EIO);
        }
        Ok(())
    }

    /// Disables the controller, which forgets all its commands.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `ETIMEDOUT`: it does not become disabled. Its DMA is off then.
    /// - `ENODEV`: it does not answer. So is it then.
    pub(crate) fn disable(&self) -> Result {
        let result = self.registers().disable(self.cap.timeout());
        if result.is_err() {
            self.stop();
        }
        self.ledgers.iter().for_each(Ledger::end);
        result
    }

    /// Lets the controller write back what it has cached, and disables it.
    ///
    /// `limit` is the time that the controller asks for.
    ///
    /// Context: may sleep.
    pub(crate) fn shut_down(&self, limit: Delta) {
        if self.check().is_ok() {
            let config = self.bar.read(CC);
            self.bar
                .write_reg(config.with_const_shutdown::<SHUTDOWN_NORMAL>());
            // A controller that does not manage to is disabled all the same.
            let limit = if limit > SHUTDOWN { limit } else { SHUTDOWN };
            let _ = self.registers().wait(limit, |status| {
                u32::from(status.shutdown()) == SHUTDOWN_DONE
            });
        }
        let _ = self.disable();
    }

    /// Turns bus mastering off, after which the controller accesses no memory.
    fn stop(&self) {
        self.master.disable();
        // What was under way has arrived when a read has its answer.
        let _ = self.bar.read(CSTS);
    }
}

/// Returns the lower and the upper half of an address.
fn halves(address: DmaAddress) -> (u32, u32) {
    let address = widen(address);
    // CAST: The halves.
    (address as u32, (address >> 32) as u32)
}

/// How long a controller may access some memory.
#[derive(Clone, Copy)]
enum Until {
    /// Until it is disabled.
    Disabled,
    /// Until the command with this number, of this queue pair, is done.
    Done(Pair, u64),
    /// Until the command with this tag, of this queue of the block layer, is done.
    Tag(u32, u32),
}

/// The mark of the memory that is given to a controller.
pub(crate) struct Nvme;

/// The engine that memory of a controller carries, with a pointer to the controller.
#[derive(Clone)]
pub(crate) struct AccessBy<C> {
    controller: C,
    until: Until,
}

/// The engine of memory that may outlive who made it.
pub(crate) type Access<'bound> = AccessBy<Arc<Controller<'bound>>>;

impl<'bound> Access<'bound> {
    /// Returns the engine of memory that the controller accesses as long as it is enabled: queues.
    pub(crate) fn while_enabled(controller: &Arc<Controller<'bound>>) -> Self {
        Self {
            controller: controller.clone(),
            until: Until::Disabled,
        }
    }

    /// Returns the engine of the memory of the next command. The caller has the queue pair to itself.
    pub(crate) fn of_next_command(controller: &Arc<Controller<'bound>>, pair: Pair) -> Self {
        Self {
            controller: controller.clone(),
            until: Until::Done(pair, controller.ledger(pair).next()),
        }
    }
}

impl<C> AccessBy<C> {
    /// Returns the engine of the memory of the command with this tag.
    #[inline]
    pub(crate) fn of_tag(controller: C, queue: u32, tag: u32) -> Self {
        Self {
            controller,
            until: Until::Tag(queue, tag),
        }
    }
}

// SAFETY:
// - A disabled controller accesses no memory, and has forgotten what it was told. `CSTS` says that it is
//   disabled, and is read after `CC`. The answer to that read comes after the controller's earlier
//   writes (PCI's ordering rules). The version shows that the controller has answered. A command is
//   done when its completion was taken, which the controller writes after its last access; or when the
//   controller is disabled. The ledger and the flights are written by `Release`, after what was read of the
//   completion. A tag's flight is over, too, before it begins: the controller is told of the memory of its
//   command after that. Flights are forgotten when the controller is disabled, or its bus mastering is off.
// - A PCI function without bus mastering issues no requests, and the read after that flushes those
//   that were under way. `enable()` is the only place of the driver that turns it on again, and only
//   when the controller is disabled, so a stopped command never goes on. The PCI core turns it on when
//   it has reset the function for user space; a function that was reset has forgotten its commands.
//   ASSUMPTION: so has one whose reset the core found to have failed.
// - `enable()`, the commands that create queues, and the data pointers of commands are the only places
//   where the controller is told of memory. The addresses are those of a `QueuePair` with this engine,
//   and of pieces and lists with the engine of their command (`device`, `block`, `stage`): handles that are
//   held until the controller is disabled, or its bus mastering is off, or the command is done. A `Device`
//   makes all of them for its own controller. Files cannot send a command that has addresses elsewhere, or
//   that moves more than the memory that it was given (`passthrough`, `Device::check_format`). The command of
//   a request moves as many blocks as the request has, of the size that they had when the disk was made. A
//   file's Format command runs without requests, and one that changes the size ends the disk
//   (`Device::without_requests`). What another controller could format has a disk only with SGLs, which limit
//   what is moved (`namespaces`).
//   ASSUMPTION: nobody else deletes a namespace that no other controller can have, and makes it anew
//   with larger blocks, between Identify and a read.
// - `new()` disables the controller before it enables bus mastering.
unsafe impl<'bound, C: Deref<Target = Controller<'bound>>> Engine for AccessBy<C> {
    type Mark = Nvme;

    // Asked for each request, of an engine that was just made: of this, what is for tags remains then.
    #[inline(always)]
    fn is_idle(&self) -> bool {
        match self.until {
            Until::Tag(queue, tag) => !self
                .controller
                .flights(queue)
                .is_some_and(|flights| flights.is_busy(tag)),
            Until::Done(pair, number) => !self.controller.ledger(pair).has(number),
            Until::Disabled => self.controller.is_disabled(),
        }
    }

    fn quiesce(&self) -> Result {
        self.controller.stop();
        Ok(())
    }
}
