// SPDX-License-Identifier: GPL-2.0

//! Bound device: its queues, and how a command is run.
//!
//! All of this is tied to the binding, so it lives in a [`Gate`](dma_map::gate::Gate). Files may
//! outlive the binding, and get here through the gate.

mod ask;
mod recover;
mod run;
mod start;

pub(crate) use self::run::Request;

use crate::{
    controller::{
        Access,
        Controller,
        Pair,
        PAGE_SHIFT, //
    },
    disks::Disks,
    io::{
        Io,
        Served,
        Size, //
    },
    module_parameters,
    protocol::{
        command::Command,
        describe::Pools,
        exchange::Exchange,
        identify::Geometry,
        sgl, //
    },
    stage::Stage,
};
use core::sync::atomic::AtomicBool;
use dma_map::{
    endian::Le,
    gate::{
        Guarded,
        Scope, //
    },
    gfp::without_io,
    irq::Interrupt,
    once::Once,
    workqueue::WorkQueue,
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
    /// The handlers of the block layer's queues.
    interrupts: Once<KVec<Interrupt<'bound, Served<'bound>>>>,
    /// The block layer's queues, if the controller has as many.
    pub(crate) io: Once<Arc<Io<'bound>>>,
    prps: PrpPool<'bound>,
    sgls: SglPool<'bound>,
    /// The lists of the block layer's commands.
    pub(crate) lists: Pools<'bound>,
    /// Buffers for small requests, if copies are cheaper than mappings.
    pub(crate) stage: Option<Stage<'bound>>,
    workers: Arc<WorkQueue>,
    dma: DmaDevice<'bound>,
    pub(crate) controller: Arc<Controller<'bound>>,
    /// How long the controller wants to take for a shutdown.
    entry_latency: Atomic<u32>,
    /// The most bytes that a command may move.
    transfer_max: Atomic<u64>,
    /// Whether data of I/O commands is described by SGLs, and whether the controller takes SGLs.
    use_sgls: Atomic<bool>,
    has_sgls: Atomic<bool>,
    /// The optional commands that there are, and whether there is a cache that can lose data.
    optional_commands: Atomic<u32>,
    has_cache: Atomic<bool>,
    /// Whether other controllers can change the formats of namespaces that they do not have.
    shares_formats: Atomic<bool>,
    /// Whether the device is going away.
    gone: Atomic<bool>,
    /// Whether requests of the block layer fail, because the controller could not be started anew.
    pub(crate) dead: AtomicBool,
    /// How many callers of [`reset`](Self::reset) wait for the queues.
    resets: Atomic<i32>,
}

impl<'bound> Device<'bound> {
    /// Sets up a device, up to its I/O queues. `name` is its number.
    ///
    /// # Errors
    ///
    /// Those of [`Controller::new`], of [`start`](Self::start), and `ENOMEM`.
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        name: u32,
    ) -> Result<Pin<KBox<Self>>> {
        let dma = scope.dma();
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
                interrupts: Once::new(),
                io: Once::new(),
                prps: DmaPool::with::<PAGE, PAGE>(dma, c"dma_map_nvme PRP lists")?,
                sgls: DmaPool::with::<PAGE, PAGE>(dma, c"dma_map_nvme SGL segments")?,
                lists: Pools::new(dma)?,
                stage: Stage::new(dma)?,
                workers: WorkQueue::new(dma, c"dma_map_nvme")?,
                dma,
                controller: controller.clone(),
                entry_latency: Atomic::new(0),
                transfer_max: Atomic::new(0),
                use_sgls: Atomic::new(false),
                has_sgls: Atomic::new(false),
                optional_commands: Atomic::new(0),
                has_cache: Atomic::new(false),
                shares_formats: Atomic::new(false),
                gone: Atomic::new(false),
                dead: AtomicBool::new(false),
                resets: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;
        this.start_first(&mut this.queues.lock(), scope, name)?;
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
        self.has_sgls.store(identity.has_sgls(), Relaxed);
        self.optional_commands
            .store(identity.optional_commands.get().into(), Relaxed);
        self.has_cache.store(identity.write_cache & 1 != 0, Relaxed);
        self.shares_formats
            .store(identity.shares_formats(), Relaxed);
        Ok(())
    }

    /// Returns the most bytes that a command may move.
    pub(crate) fn transfer_max(&self) -> u64 {
        self.transfer_max.load(Relaxed)
    }

    /// Returns whether the controller takes SGLs.
    pub(crate) fn has_sgls(&self) -> bool {
        self.has_sgls.load(Relaxed)
    }

    /// Returns whether data is always described by SGLs.
    pub(crate) fn uses_sgls(&self) -> bool {
        self.use_sgls.load(Relaxed)
    }

    /// Returns whether the controller has a cache that can lose data.
    pub(crate) fn has_cache(&self) -> bool {
        self.has_cache.load(Relaxed)
    }

    /// Returns whether the controller has an optional command, by its bit in Identify.
    pub(crate) fn has_command(&self, bit: u32) -> bool {
        self.optional_commands.load(Relaxed) & bit != 0
    }

    /// Returns whether the device does not answer, as one that was pulled out.
    pub(crate) fn is_gone(&self) -> bool {
        self.controller.check() == Err(ENODEV)
    }

    /// Returns what disks need of the device: the number of queues and of tags, the vector of the first queue,
    /// and a workqueue. `None` if it has no queues for them.
    pub(crate) fn queues_of_disks(&self) -> Option<(Size, u32, Arc<WorkQueue>)> {
        let io = self.io.as_ref()?;
        Some((io.size(), io.first_vector(), self.workers.clone()))
    }

    /// Makes the disks known to the queues, once.
    pub(crate) fn set_disks(&self, disks: Arc<Disks>) {
        if let Some(io) = self.io.as_ref() {
            io.disks.populate(disks);
        }
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

    /// Runs an admin command without data, while the controller is started.
    fn plain(&self, queues: &mut Queues<'bound>, command: Command) -> Result<u32> {
        let done = self.exchange(queues, Pair::Admin, command, TIMEOUT)?;
        done.status.check()?;
        Ok(done.result)
    }

    /// Calls `f` with the queues of a controller that is started.
    ///
    /// What it allocates is not freed by I/O: to end a request of a disk may take the queues.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: the device is going away.
    /// - Those of [`restart`](Self::restart), after an error, and those of `f`.
    fn with_queues<R>(&self, f: impl FnOnce(&mut Queues<'bound>) -> Result<R>) -> Result<R> {
        without_io(|| {
            let mut queues = self.queues.lock();
            if self.gone.load(Relaxed) {
                return Err(ENODEV);
            }
            if !queues.are_ready() {
                self.restart(&mut queues)?;
            }
            f(&mut queues)
        })
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
