// SPDX-License-Identifier: GPL-2.0

//! I/O queues of the block layer: a pair for each interrupt vector, with the handler that takes completions,
//! and pairs without one, which are polled.

use crate::{
    block,
    controller::{
        Access,
        Controller, //
    },
    device::Device,
    disks::Disks,
    protocol::{
        command::Command,
        flights::{
            Flight,
            Flights,
            Lateness,
            TAGS_MAX, //
        },
        queue::{
            Done,
            QueuePair, //
        },
        turn::Turn, //
    },
    regs::Doorbells, //
};
use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};
use dma_map::{
    blk::{
        Batch,
        Last, //
    },
    irq::{
        Interrupt,
        Vectors, //
    },
    once::Once,
    DmaDevice, //
};
use kernel::{
    irq::{
        Handler,
        IrqReturn, //
    },
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    }, //
};

/// The number of the first queue pair. The admin queues and those of user space come before.
const FIRST: u16 = 2;

/// How often requests go back to the block layer if the controller completes none in between.
const FRUITLESS_MAX: u32 = 5;

/// A queue pair.
#[pin_data]
pub(crate) struct IoQueue<'bound> {
    pair: QueuePair<'bound, Access<'bound>>,
    /// Held by whoever pushes commands.
    #[pin]
    pushing: SpinLock<()>,
    number: u16,
    /// `None` if the queue is polled.
    vector: Option<u16>,
    doorbells: Doorbells,
    flights: Arc<Flights>,
    /// Held by whoever pops completions.
    serving: Turn,
}

/// How many queues there are for the block layer, and how many tags each has.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Those with interrupts, which come first.
    pub(crate) queues: u32,
    pub(crate) poll_queues: u32,
    pub(crate) depth: u32,
}

/// Where a command goes: its queue, and what tells whether the controller has it.
pub(crate) struct Place<'a, 'bound> {
    queue: &'a IoQueue<'bound>,
    flight: Flight<'a>,
}

/// The queues of the block layer.
pub(crate) struct Io<'bound> {
    queues: KVec<Arc<IoQueue<'bound>>>,
    size: Size,
    controller: Arc<Controller<'bound>>,
    /// How often requests were taken back since the last completion. Of `core`: on Debian's kernel, those of
    /// the `kernel` crate are calls of C.
    fruitless: AtomicU32,
    /// Set when there are disks.
    pub(crate) disks: Once<Arc<Disks>>,
}

impl<'bound> Io<'bound> {
    /// Makes `count` queues, for as many vectors from `vector` on, or for one vector. Then `polled` ones without
    /// a vector.
    ///
    /// # Errors
    ///
    /// `EBUSY`: the controller has queues. Those of [`QueuePair::new`].
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        controller: &Arc<Controller<'bound>>,
        (count, polled): (u16, u16),
        vector: u16,
    ) -> Result<Arc<Self>> {
        // One entry more than tags, so that a queue is never full.
        let entries = controller.queue_max().min(TAGS_MAX.saturating_add(1));
        let depth = entries.checked_sub(1).ok_or(EINVAL)?;
        let mut queues = KVec::new();
        let mut flights = KVec::new();
        for index in 0..count.saturating_add(polled) {
            let number = FIRST.checked_add(index).ok_or(EINVAL)?;
            let access = Access::while_enabled(controller);
            let doorbells = controller.doorbells(number);
            let pair = QueuePair::new(dma, number, u16::try_from(entries)?, access)?;
            let of_queue = Arc::new(Flights::new(depth)?, GFP_KERNEL)?;
            flights.push(of_queue.clone(), GFP_KERNEL)?;
            let queue = Arc::pin_init(
                pin_init!(IoQueue {
                    pair,
                    pushing <- new_spinlock!((), "dma_map_nvme::IoQueue"),
                    number,
                    vector: (index < count).then_some(vector.saturating_add(index)),
                    doorbells,
                    flights: of_queue,
                    serving: Turn::new(),
                }),
                GFP_KERNEL,
            )?;
            queues.push(queue, GFP_KERNEL)?;
        }
        if !controller.set_flights(flights) {
            return Err(EBUSY);
        }
        Ok(Arc::new(
            Self {
                queues,
                size: Size {
                    queues: count.into(),
                    poll_queues: polled.into(),
                    depth,
                },
                controller: controller.clone(),
                fruitless: AtomicU32::new(0),
                disks: Once::new(),
            },
            GFP_KERNEL,
        )?)
    }

    /// Registers a handler for each queue with a vector.
    ///
    /// # Errors
    ///
    /// Those of [`Vectors::request`].
    pub(crate) fn listen(
        self: &Arc<Self>,
        vectors: &Vectors<'bound>,
        name: u32,
    ) -> Result<KVec<Interrupt<'bound, Served<'bound>>>> {
        let mut interrupts = KVec::new();
        for (index, queue) in (0u32..).zip(&*self.queues) {
            let Some(vector) = queue.vector else {
                continue;
            };
            let served = Served {
                io: self.clone(),
                index,
            };
            let interrupt = vectors.request(
                vector.into(),
                fmt!("dma_nvme{}q{}", name, queue.number),
                served,
            )?;
            interrupts.push(interrupt, GFP_KERNEL)?;
        }
        Ok(interrupts)
    }

    /// Returns how many queues there are, and how many tags.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Returns the number of all queues.
    pub(crate) fn count(&self) -> u32 {
        // CAST: At most 2^16.
        self.queues.len() as u32
    }

    /// Returns the vector of the first queue.
    pub(crate) fn first_vector(&self) -> u32 {
        let first = self.queues.first().and_then(|queue| queue.vector);
        first.map_or(0, u32::from)
    }

    /// Returns the queues: their numbers, addresses, entries and vectors.
    pub(crate) fn each(&self) -> impl Iterator<Item = &IoQueue<'bound>> + '_ {
        self.queues.iter().map(|queue| &**queue)
    }

    #[inline]
    fn queue(&self, queue: u32) -> Option<&IoQueue<'bound>> {
        // CAST: To the wider type.
        self.queues.get(queue as usize).map(|queue| &**queue)
    }

    /// Returns the place of the next command with this tag. `None` if there is no such queue or tag.
    #[inline]
    pub(crate) fn place(&self, queue: u32, tag: u32) -> Option<Place<'_, 'bound>> {
        let queue = self.queue(queue)?;
        let flight = queue.flights.next(tag)?;
        Some(Place { queue, flight })
    }

    /// Puts a command into its queue. Its request must be the device's: a completion that comes before the
    /// controller has the command is not believed, unless the controller has guessed its number.
    ///
    /// Context: any but hard IRQ.
    // The command is built in its slot then.
    #[inline(always)]
    pub(crate) fn submit(&self, place: Place<'_, 'bound>, command: Command, last: Last) {
        let Place { queue, flight } = place;
        let id = flight.begin();
        let pushed = {
            let _pushing = queue.pushing.lock();
            let pushed = queue.pair.push(command.with_id(id));
            if last == Last::Yes {
                queue.ring(&self.controller);
            }
            pushed
        };
        // There is room for all tags: the controller has completed commands that it has not read.
        if pushed.is_err() {
            self.recover();
        }
    }

    /// Tells the controller of all commands of a queue.
    ///
    /// Context: any but hard IRQ.
    #[inline]
    pub(crate) fn commit(&self, queue: u32) {
        if let Some(this) = self.queue(queue) {
            let _pushing = this.pushing.lock();
            this.ring(&self.controller);
        }
    }

    /// Takes all completions of a queue, and returns how many there were. If somebody else is at it, the other
    /// one takes them.
    ///
    /// Context: any.
    #[inline]
    pub(crate) fn serve(&self, index: u32) -> u32 {
        let (Some(queue), Some(disks)) = (self.queue(index), self.disks.as_ref()) else {
            return 0;
        };
        let mut count = 0u32;
        queue.serving.run(|| {
            let served = queue.serve(disks, &self.controller, index, self.size.depth);
            count = count.wrapping_add(served);
        });
        self.note_served(count);
        count
    }

    /// Takes all completions of a queue that is polled, and returns how many there were: none if the queue has
    /// interrupts, and if somebody else is at it.
    ///
    /// Nobody leaves a note, as in [`serve`](Self::serve): those who poll would keep the first one at work.
    ///
    /// Context: any but interrupts.
    #[inline]
    pub(crate) fn poll(&self, index: u32) -> u32 {
        let (Some(queue), Some(disks)) = (self.queue(index), self.disks.as_ref()) else {
            return 0;
        };
        if queue.vector.is_some() {
            return 0;
        }
        let mut count = 0;
        queue.serving.attempt(|| {
            count = queue.serve(disks, &self.controller, index, self.size.depth);
        });
        self.note_served(count);
        count
    }

    /// Takes the completions of all queues that are polled.
    ///
    /// Context: any but interrupts.
    pub(crate) fn poll_all(&self) {
        for index in self.size.queues..self.count() {
            self.poll(index);
        }
    }

    /// Notes that a controller that has completed something goes on.
    #[inline]
    fn note_served(&self, count: u32) {
        if count != 0 && self.fruitless.load(Ordering::Relaxed) != 0 {
            self.fruitless.store(0, Ordering::Relaxed);
        }
    }

    /// Has the controller reset.
    #[cold]
    fn recover(&self) {
        if let Some(disks) = self.disks.as_ref() {
            disks.reset_later();
        }
    }

    /// Makes the queues as new, and gives the requests that the controller had back to the block layer. Those
    /// that took too long end with `ETIMEDOUT`. After [`FRUITLESS_MAX`] times without a completion in between,
    /// all end with `EIO`: a request that makes the controller fail must not come back for ever.
    ///
    /// The controller has forgotten the queues, and the block layer is quiesced. An interrupt may come late: its
    /// handler waits for its turn.
    ///
    /// Context: may sleep.
    pub(crate) fn take_back(&self) {
        let is_fruitless = self.fruitless.load(Ordering::Relaxed) >= FRUITLESS_MAX;
        let mut had_requests = false;
        for (index, queue) in (0u32..).zip(&*self.queues) {
            let Some(disks) = self.disks.as_ref() else {
                // It does not fail, because the rings have the entries.
                let _ = queue.pair.reset();
                continue;
            };
            queue.serving.alone(
                || {
                    // As above.
                    let _ = queue.pair.reset();
                    had_requests |= queue.give_back(disks, index, is_fruitless);
                },
                || {
                    queue.serve(disks, &self.controller, index, self.size.depth);
                },
            );
        }
        // Resets of an idle controller tell nothing.
        if had_requests {
            self.fruitless.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'bound> IoQueue<'bound> {
    /// Gives the requests of the commands that the controller has forgotten back to the block layer. Returns
    /// whether there were any.
    fn give_back(&self, disks: &Disks, index: u32, is_fruitless: bool) -> bool {
        let mut had_requests = false;
        self.flights.forget(|tag, lateness| {
            had_requests = true;
            disks.tags.take(index, tag, |request| {
                // Never busy, as the command is forgotten.
                let Ok((request, memory)) = request.into_request() else {
                    return;
                };
                drop(memory);
                match lateness {
                    Lateness::InTime if is_fruitless => request.end(Err(EIO)),
                    Lateness::InTime => drop(request.refuse()),
                    Lateness::Late | Lateness::Overdue => request.end(Err(ETIMEDOUT)),
                }
            });
        });
        had_requests
    }

    /// Takes all completions.
    #[inline]
    fn serve(
        &self,
        disks: &Arc<Disks>,
        controller: &Controller<'_>,
        index: u32,
        depth: u32,
    ) -> u32 {
        let mut count = 0u32;
        disks.tags.batch(|batch| {
            // A controller that turns phases round does not keep the CPU.
            while count <= depth {
                let result = match self.pair.pop() {
                    Ok(None) => break,
                    Ok(Some(done)) => self.complete(batch, index, done),
                    Err(error) => Err(error),
                };
                if result.is_err() {
                    disks.reset_later();
                    break;
                }
                count = count.wrapping_add(1);
            }
            if count != 0 {
                // The doorbell is within the BAR: the controller has the queue.
                let _ = self
                    .doorbells
                    .ring_completion(controller.bar(), self.pair.head());
            }
        });
        count
    }

    /// Ends the request that a completion is for.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the controller has no such command.
    #[inline]
    fn complete<'x>(&self, batch: &mut Batch<'_, Device<'x>>, index: u32, done: Done) -> Result {
        let tag = self.flights.end(done.id)?;

        // Nobody has taken it: those who do have made the controller forget the command.
        if let Some(request) = batch.take(index, tag) {
            block::complete(batch, request, done.status);
        }
        Ok(())
    }

    #[inline]
    fn ring(&self, controller: &Controller<'_>) {
        if let Some(tail) = self.pair.publish() {
            // The doorbell is within the BAR: the controller has the queue.
            let _ = self.doorbells.ring_submission(controller.bar(), tail);
        }
    }

    /// Returns the rings.
    pub(crate) fn pair(&self) -> &QueuePair<'bound, Access<'bound>> {
        &self.pair
    }

    /// Returns the number of both queues, and the interrupt vector, if there is one.
    pub(crate) fn numbers(&self) -> (u16, Option<u16>) {
        (self.number, self.vector)
    }
}

/// The handler of a queue's vector.
pub(crate) struct Served<'bound> {
    io: Arc<Io<'bound>>,
    index: u32,
}

impl Served<'_> {
    /// Takes the completions of the queue.
    #[inline]
    pub(crate) fn serve(&self) -> u32 {
        self.io.serve(self.index)
    }
}

impl Handler for Served<'_> {
    fn handle(&self) -> IrqReturn {
        // The first vector is also that of the admin queue, which is polled for. The line is masked meanwhile.
        let is_shared = || {
            let queue = self.io.queue(self.index);
            !self.io.controller.has_line() && queue.is_some_and(|queue| queue.vector == Some(0))
        };
        match self.serve() {
            0 if !is_shared() => IrqReturn::None,
            _ => IrqReturn::Handled,
        }
    }
}
