// SPDX-License-Identifier: GPL-2.0

//! Start of the controller, up to its I/O queues.

use super::{
    Device,
    Queues, //
};
use crate::{
    controller::{
        Access,
        Pair, //
    },
    io::Io,
    module_parameters,
    protocol::{
        command::{
            admin,
            widen,
            Command,
            Pointer,
            FEATURE_QUEUES, //
        },
        queue::QueuePair, //
    }, //
};
use dma_map::{
    gate::Scope,
    irq::{
        VectorOptions,
        Vectors, //
    }, //
};
use kernel::{
    cpu::nr_cpu_ids,
    pci::IrqType,
    prelude::*, //
};

/// What Create I/O Completion Queue is told of interrupts: the vector.
#[derive(Clone, Copy)]
enum Interrupts {
    Off,
    On(u16),
}

impl<'bound> Device<'bound> {
    /// Starts the controller for the first time, and makes as many queues for the block layer as there are
    /// CPUs, or interrupt vectors, or as the controller has. Those that are polled come in addition, as many as
    /// a module parameter says; if there are too few queues, one at least has interrupts.
    ///
    /// A controller without message interrupts gets one, whose handler is on the INTx line.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start), and `ENOMEM`.
    pub(super) fn start_first(
        &self,
        queues: &mut Queues<'bound>,
        scope: Scope<'bound>,
        name: u32,
    ) -> Result {
        // Both fit the number of queues that a controller can have.
        let cpus = nr_cpu_ids().min(u32::from(u16::MAX / 2));
        let polled = module_parameters::poll_queues.value().min(cpus);
        let wanted = u16::try_from(cpus.saturating_add(polled))?;
        let granted = self.enable(queues, wanted)?.min(wanted);
        let polled = u16::try_from(polled)?.min(granted.saturating_sub(1));
        self.make_io(scope, (granted.saturating_sub(polled), polled), name)?;
        self.create_queues(queues)
    }

    /// Makes at most `most` queues for the block layer, and registers their handlers. Then `polled` ones, which
    /// have none.
    fn make_io(&self, scope: Scope<'bound>, (most, polled): (u16, u16), name: u32) -> Result {
        if most == 0 {
            return Ok(());
        }
        // The first one is the admin queue's, which is polled.
        let options = VectorOptions::new(1, u32::from(most).saturating_add(1)).spread(1, 0);
        let vectors = match Vectors::alloc(scope, options) {
            Err(ENOSPC) => return Ok(()),
            vectors => vectors?,
        };
        if !matches!(vectors.kind(), IrqType::Intx) {
            self.controller.set_messages();
        }
        let (count, first) = match u16::try_from(vectors.len())? {
            1 => (1, 0),
            len => (len.saturating_sub(1).min(most), 1),
        };
        let io = Io::new(self.dma, &self.controller, (count, polled), first)?;
        // Both are set once, here.
        self.interrupts.populate(io.listen(&vectors, name)?);
        self.io.populate(io);
        Ok(())
    }

    /// Enables the controller, and makes its I/O queues.
    ///
    /// # Errors
    ///
    /// - Those of [`Controller::enable`](crate::controller::Controller::enable).
    /// - `EIO`: it has fewer queues than the first time.
    /// - Those of the commands.
    pub(super) fn start(&self, queues: &mut Queues<'bound>) -> Result {
        let needed = self.io.as_ref().map_or(0, |io| io.count());
        let needed = u16::try_from(needed)?;
        if self.enable(queues, needed)? < needed {
            return Err(EIO);
        }
        self.create_queues(queues)
    }

    /// Enables the controller, and asks for a queue pair of user space's, and `wanted` ones of the block
    /// layer's. Returns how many of the latter there can be.
    fn enable(&self, queues: &mut Queues<'bound>, wanted: u16) -> Result<u16> {
        queues.admin.reset()?;
        queues.io.reset()?;
        self.controller.enable(
            queues.admin.queue().addresses(),
            queues.admin.queue().entries(),
        )?;

        // One more, and less 1: the numbers of both kinds.
        let both = u32::from(wanted) << 16 | u32::from(wanted);
        let features = Command::new(admin::SET_FEATURES, 0).with_words([FEATURE_QUEUES, both]);
        let granted = self.plain(queues, features)?;
        // CAST: The halves.
        Ok((granted as u16).min((granted >> 16) as u16))
    }

    fn create_queues(&self, queues: &mut Queues<'bound>) -> Result {
        let (submissions, completions) = queues.io.queue().addresses();
        let rings = (widen(submissions), widen(completions));
        let entries = queues.io.queue().entries();
        self.create(queues, Pair::Io.number(), rings, entries, Interrupts::Off)?;

        if let Some(io) = self.io.as_ref() {
            for queue in io.each() {
                let (number, vector) = queue.numbers();
                let pair: &QueuePair<'bound, Access<'bound>> = queue.pair();
                let (submissions, completions) = pair.addresses();
                let rings = (widen(submissions), widen(completions));
                let interrupts = vector.map_or(Interrupts::Off, Interrupts::On);
                self.create(queues, number, rings, pair.entries(), interrupts)?;
            }
        }
        queues.started = true;
        Ok(())
    }

    /// Makes a queue pair, of rings with the engine that is idle when the controller is disabled.
    fn create(
        &self,
        queues: &mut Queues<'bound>,
        number: u16,
        (submissions, completions): (u64, u64),
        entries: u16,
        interrupts: Interrupts,
    ) -> Result {
        let number = u32::from(number);
        let size = u32::from(entries).saturating_sub(1) << 16 | number;
        // Physically contiguous.
        let how = match interrupts {
            Interrupts::Off => 1,
            Interrupts::On(vector) => u32::from(vector) << 16 | 2 | 1,
        };
        let create = Command::new(admin::CREATE_COMPLETION_QUEUE, 0)
            .with_words([size, how])
            .with_data(Pointer::Prp([completions, 0]));
        self.plain(queues, create)?;
        let create = Command::new(admin::CREATE_SUBMISSION_QUEUE, 0)
            .with_words([size, number << 16 | 1])
            .with_data(Pointer::Prp([submissions, 0]));
        self.plain(queues, create)?;
        Ok(())
    }
}
