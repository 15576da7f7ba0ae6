// SPDX-License-Identifier: GPL-2.0

//! Bound device: its queues, and how a command is run.
//!
//! All of this is tied to the binding, so it lives in a [`Gate`](dma_map::gate::Gate). Files may
//! outlive the binding, and get here through the gate.

mod ask;
mod run;

pub(crate) use self::run::Request;

use crate::{
    controller::{
        Access,
        Controller,
        Pair,
        PAGE_SHIFT, //
    },
    module_parameters,
    protocol::{
        command::{
            admin,
            widen,
            Command,
            Pointer,
            FEATURE_QUEUES, //
        },
        exchange::Exchange,
        identify::Geometry,
        sgl, //
    },
};
use dma_map::{
    endian::Le,
    gate::Guarded,
    DmaDevice,
    DmaPool, //
};
use kernel::{
    device::Bound,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::{
            mutex::MutexBackend,
            Guard, //
        },
        Arc,
        Mutex, //
    },
    time::Delta,
    types::ForLt, //
};

/// [`Device`], for any lifetime.
pub(crate) type DeviceLt = ForLt!(Device<'_>);

/// How long a command of the driver's own may take.
pub(crate) const TIMEOUT: Delta = Delta::from_secs(60);

/// How long a shutdown may take at most, whatever the controller asks for.
const SHUTDOWN_MAX: Delta = Delta::from_secs(60);

/// The numbers of entries of the queues, if the controller has as many.
const ADMIN_ENTRIES: u16 = 32;
const IO_ENTRIES: u16 = 64;

/// The size of a list: a page.
const PAGE: usize = 1 << PAGE_SHIFT;

/// The pools of lists.
type PrpPool<'bound> = DmaPool<'bound, [Le<u64>; PAGE / 8]>;
type SglPool<'bound> = DmaPool<'bound, [sgl::Descriptor; PAGE / 16]>;

/// Both queue pairs.
struct Queues<'bound> {
    admin: Exchange<'bound, Access<'bound>>,
    io: Exchange<'bound, Access<'bound>>,
    /// Whether the controller was started, up to its I/O queue.
    started: bool,
}

impl Queues<'_> {
    /// Returns whether the controller takes commands of both queue pairs.
    fn are_ready(&self) -> bool {
        self.started && !self.admin.has_failed() && !self.io.has_failed()
    }
}

/// A bound device.
#[pin_data(PinnedDrop)]
pub(crate) struct Device<'bound> {
    // In the order in which they must be dropped: first what uses the device, then the device.
    #[pin]
    queues: Mutex<Queues<'bound>>,
    /// Held by whoever runs a command of user space, see [`alone`](Self::alone).
    #[pin]
    user: Mutex<()>,
    prps: PrpPool<'bound>,
    sgls: SglPool<'bound>,
    dma: DmaDevice<'bound>,
    controller: Arc<Controller<'bound>>,
    /// How long the controller wants to take for a shutdown.
    entry_latency: Atomic<u32>,
    /// The most bytes that a command may move.
    transfer_max: Atomic<u64>,
    /// Whether data of I/O commands is described by SGLs.
    use_sgls: Atomic<bool>,
    /// Whether other controllers can change the formats of namespaces that they do not have.
    shares_formats: Atomic<bool>,
    /// Whether the device is going away.
    gone: Atomic<bool>,
    /// How many callers of [`reset`](Self::reset) wait for the queues.
    resets: Atomic<i32>,
}

impl<'bound> Device<'bound> {
    /// Sets up a device, up to its I/O queue.
    ///
    /// # Errors
    ///
    /// Those of [`Controller::new`], of [`start`](Self::start), and `ENOMEM`.
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        dma: DmaDevice<'bound>,
    ) -> Result<Pin<KBox<Self>>> {
        let controller = Controller::new(pdev)?;
        let queue = |pair: Pair, entries: u16| {
            let max = u16::try_from(controller.queue_max()).unwrap_or(u16::MAX);
            let access = Access::while_enabled(&controller);
            Exchange::new(dma, pair.number(), entries.min(max), access)
        };
        let queues = Queues {
            admin: queue(Pair::Admin, ADMIN_ENTRIES)?,
            io: queue(Pair::Io, IO_ENTRIES)?,
            started: false,
        };

        let this = KBox::try_pin_init(
            try_pin_init!(Self {
                queues <- new_mutex!(queues, "dma_map_nvme::Device"),
                user <- new_mutex!((), "dma_map_nvme::Device::user"),
                prps: DmaPool::with::<PAGE, PAGE>(dma, c"dma_map_nvme PRP lists")?,
                sgls: DmaPool::with::<PAGE, PAGE>(dma, c"dma_map_nvme SGL segments")?,
                dma,
                controller: controller.clone(),
                entry_latency: Atomic::new(0),
                transfer_max: Atomic::new(0),
                use_sgls: Atomic::new(false),
                shares_formats: Atomic::new(false),
                gone: Atomic::new(false),
                resets: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;
        this.start(&mut this.queues.lock())?;
        this.learn()?;
        Ok(this)
    }

    /// Returns the version of the specification that the controller follows.
    pub(crate) fn version(&self) -> (u16, u8, u8) {
        self.controller.version()
    }

    /// Asks the controller for what the driver has to know of it.
    fn learn(&self) -> Result {
        let identity = self.identity()?;
        let wanted = match module_parameters::sgl.value() {
            0 => false,
            1 => true,
            _ => return Err(EINVAL),
        };

        self.entry_latency
            .store(identity.entry_latency.get(), Relaxed);
        self.transfer_max
            .store(identity.transfer_bytes(PAGE_SHIFT), Relaxed);
        self.use_sgls.store(wanted && identity.has_sgls(), Relaxed);
        self.shares_formats
            .store(identity.shares_formats(), Relaxed);
        Ok(())
    }

    /// Returns the most bytes that a command may move.
    pub(crate) fn transfer_max(&self) -> u64 {
        self.transfer_max.load(Relaxed)
    }

    /// Checks that an I/O command moves no more than its memory, whatever other controllers do.
    ///
    /// An SGL says how long the memory is. PRP entries do not, and [`alone`](Self::alone) keeps the
    /// format only from those who use this controller.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`: another controller could format the namespace.
    pub(crate) fn check_format(&self, geometry: &Geometry) -> Result {
        if self.use_sgls.load(Relaxed) || !(geometry.is_shared || self.shares_formats.load(Relaxed))
        {
            Ok(())
        } else {
            Err(EOPNOTSUPP)
        }
    }

    /// Returns what describes the data of I/O commands.
    pub(crate) fn data_by(&self) -> &'static str {
        match self.use_sgls.load(Relaxed) {
            true => "SGLs",
            false => "PRP entries",
        }
    }

    /// Enables the controller, and makes its I/O queue.
    ///
    /// # Errors
    ///
    /// - Those of [`Controller::enable`].
    /// - Those of the commands.
    fn start(&self, queues: &mut Queues<'bound>) -> Result {
        queues.admin.reset()?;
        queues.io.reset()?;
        self.controller.enable(
            queues.admin.queue().addresses(),
            queues.admin.queue().entries(),
        )?;

        // One I/O queue of each kind: the numbers are less 1. The controller may offer more.
        let features = Command::new(admin::SET_FEATURES, 0).with_words([FEATURE_QUEUES, 0]);
        self.plain(queues, features)?;

        let number = u32::from(Pair::Io.number());
        let (submissions, completions) = queues.io.queue().addresses();
        let last = u32::from(queues.io.queue().entries()).saturating_sub(1);
        let size = last << 16 | number;
        // Physically contiguous; no interrupt.
        let create = Command::new(admin::CREATE_COMPLETION_QUEUE, 0)
            .with_words([size, 1])
            .with_data(Pointer::Prp([widen(completions), 0]));
        self.plain(queues, create)?;
        let create = Command::new(admin::CREATE_SUBMISSION_QUEUE, 0)
            .with_words([size, number << 16 | 1])
            .with_data(Pointer::Prp([widen(submissions), 0]));
        self.plain(queues, create)?;
        queues.started = true;
        Ok(())
    }

    /// Takes all commands from the controller: disables it, until it is started anew.
    ///
    /// # Errors
    ///
    /// Those of [`Controller::disable`].
    fn give_up(&self, queues: &mut Queues<'bound>) -> Result {
        queues.started = false;
        if self.gone.load(Relaxed) {
            // Nobody starts it anew. A disabled controller could not be shut down any more.
            self.shut_down();
            return Ok(());
        }
        self.controller.disable()
    }

    /// Shuts the controller down, and disables it.
    fn shut_down(&self) {
        let limit = Delta::from_micros(self.entry_latency.load(Relaxed).into());
        self.controller.shut_down(limit.min(SHUTDOWN_MAX));
    }

    /// Disables the controller, and starts it anew.
    ///
    /// # Errors
    ///
    /// Those of [`give_up`](Self::give_up) and of [`start`](Self::start).
    fn restart(&self, queues: &mut Queues<'bound>) -> Result {
        self.give_up(queues)?;
        self.start(queues)
    }

    /// Disables the controller, and starts it anew. The command that is under way ends by `ECANCELED`.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// As [`restart`](Self::restart), and `ENODEV` if the device is going away.
    pub(crate) fn reset(&self) -> Result {
        self.resets.add(1, Relaxed);
        let mut queues = self.queues.lock();
        self.resets.add(-1, Relaxed);
        if self.gone.load(Relaxed) {
            return Err(ENODEV);
        }
        self.restart(&mut queues)
    }

    /// Runs an admin command without data, while the controller is started.
    fn plain(&self, queues: &mut Queues<'bound>, command: Command) -> Result<u32> {
        let done = self.exchange(queues, Pair::Admin, command, TIMEOUT)?;
        done.status.check()?;
        Ok(done.result)
    }

    /// Takes the queues, of a controller that is started.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: the device is going away.
    /// - Those of [`restart`](Self::restart), after an error.
    fn queues(&self) -> Result<Guard<'_, Queues<'bound>, MutexBackend>> {
        let mut queues = self.queues.lock();
        if self.gone.load(Relaxed) {
            return Err(ENODEV);
        }
        if !queues.are_ready() {
            self.restart(&mut queues)?;
        }
        Ok(queues)
    }

    /// Lets no other command of user space run until the guard is dropped.
    ///
    /// How much a command moves depends on the format of the namespace, which another command could
    /// change before it runs. See [`check_format`](Self::check_format) for other controllers.
    ///
    /// Context: may sleep.
    pub(crate) fn alone(&self) -> Guard<'_, (), MutexBackend> {
        self.user.lock()
    }
}

impl Guarded for Device<'_> {
    fn shutdown(&self) {
        self.gone.store(true, Relaxed);
    }
}

#[pinned_drop]
impl PinnedDrop for Device<'_> {
    fn drop(self: Pin<&mut Self>) {
        self.shut_down();
    }
}
