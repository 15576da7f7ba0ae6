// SPDX-License-Identifier: GPL-2.0

//! Run of a command: its memory, its description, and the wait for its end.

use super::{
    Device,
    Queues, //
};
use crate::{
    controller::{
        Access,
        Nvme,
        Pair,
        PAGE_SHIFT, //
    },
    protocol::{
        command::Command,
        exchange,
        prp,
        queue::Done,
        sgl, //
    },
};
use dma_map::{
    direction::{
        Carries,
        Direction, //
    },
    Gfp,
    Pieces,
    SgMapping,
    Transfer, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};

/// What an exchange waits for, and how long.
struct Wait<'a, 'bound> {
    device: &'a Device<'bound>,
    pair: Pair,
    start: Instant<Monotonic>,
    limit: Delta,
    /// Who wants to reset the controller, if that ends the exchange.
    resets: Option<&'a Atomic<i32>>,
}

impl exchange::Controller for Wait<'_, '_> {
    fn ring_submission(&self, tail: u16) -> Result {
        let controller = &self.device.controller;
        let doorbells = controller.doorbells(self.pair.number());
        doorbells.ring_submission(controller.bar(), tail)
    }

    fn ring_completion(&self, head: u16) -> Result {
        let controller = &self.device.controller;
        let doorbells = controller.doorbells(self.pair.number());
        doorbells.ring_completion(controller.bar(), head)
    }

    /// # Errors
    ///
    /// - `ETIMEDOUT`: the command takes longer than it may.
    /// - `ENODEV`: the device is gone.
    /// - `ECANCELED`: somebody wants to reset the controller.
    /// - `EIO`: the controller has failed.
    fn wait(&self) -> Result {
        /// The time between two looks at the queue.
        const POLL: Delta = Delta::from_micros(50);

        if self.device.gone.load(Relaxed) {
            return Err(ENODEV);
        }
        // The work that resets the controller may wait for the queues, which this exchange holds.
        if let Some(resets) = self.resets {
            if resets.load(Relaxed) != 0 || self.device.wants_reset() {
                return Err(ECANCELED);
            }
        }
        self.device.controller.check()?;
        if self.start.elapsed() > self.limit {
            return Err(ETIMEDOUT);
        }
        if self.pair == Pair::Admin && self.device.controller.has_line() {
            // The line is masked.
            self.device.serve_all();
        }
        fsleep(POLL);
        Ok(())
    }
}

/// A command, the queue that it goes to, and how long it may take.
pub(crate) type Request = (Pair, Command, Delta);

impl<'bound> Device<'bound> {
    /// Runs a command, and waits for its end.
    ///
    /// If the controller does not complete the command, the caller gives up, before memory of the
    /// command is freed.
    pub(super) fn exchange(
        &self,
        queues: &mut Queues<'bound>,
        pair: Pair,
        command: Command,
        limit: Delta,
    ) -> Result<Done> {
        let wait = Wait {
            device: self,
            pair,
            start: Instant::now(),
            limit,
            // Before that, the exchange is a part of a start, which is what a reset does.
            resets: queues.started.then_some(&self.resets),
        };
        let ledger = self.controller.ledger(pair);
        match pair {
            // Its completions raise interrupts, which the specification does not let be turned off. They are
            // taken here.
            Pair::Admin => self
                .controller
                .without_line(|| queues.admin.run(&wait, ledger, command)),
            Pair::Io => queues.io.run(&wait, ledger, command),
        }
    }

    /// Runs a command with its data, which carries the engine of the next command.
    ///
    /// If the controller does not complete the command, it is disabled, before the lists are freed.
    pub(super) fn submit<D: Direction>(
        &self,
        queues: &mut Queues<'bound>,
        (pair, command, limit): Request,
        pieces: Pieces<'_, D, Nvme>,
    ) -> Result<Done> {
        let segments = pieces.map(|piece| (piece.address(), piece.len()));
        let access = Access::of_next_command(&self.controller, pair);
        let mut run = |pointer| {
            let result = self.exchange(queues, pair, command.with_data(pointer), limit);
            if result.is_err() {
                let _ = self.give_up(queues);
            }
            result
        };

        // Admin commands have PRP entries, by the specification.
        if pair == Pair::Io && self.use_sgls.load(Relaxed) {
            let (pointer, _lists) = sgl::describe(segments, &self.sgls, access, Gfp::Kernel)?;
            run(pointer)
        } else {
            let (pointer, _lists) =
                prp::describe(segments, PAGE_SHIFT, &self.prps, access, Gfp::Kernel)?;
            run(pointer)
        }
    }

    /// Runs a command that moves `data`, and returns how it has ended, with the data.
    ///
    /// That the command itself has failed is no error here: see [`Done`].
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `ETIMEDOUT`: the command takes longer than its limit.
    /// - `EBADMSG`: what the controller wrote is not the completion of the command.
    /// - `EIO`: the controller has failed.
    /// - `ENODEV`: the device is gone.
    /// - `ECANCELED`: the controller is reset.
    /// - Those of [`restart`](Self::restart), if the command before has failed.
    /// - Those of [`SgMapping::map`], and of [`prp::describe`].
    ///
    /// After one of the first three, the controller is started anew for the next command.
    pub(crate) fn run<D: Carries<u8>>(
        &self,
        request: Request,
        data: VVec<u8>,
        direction: D,
    ) -> Result<(Done, VVec<u8>)> {
        self.with_queues(|queues| {
            let access = Access::of_next_command(&self.controller, request.0);
            let mapping = SgMapping::map(self.dma, data, direction, access, Gfp::Kernel)?;

            let mut done = None;
            let transfer = Transfer::start(mapping, |pieces| {
                done = Some(self.submit(queues, request, pieces)?);
                Ok(())
            })?;
            let data = transfer.complete()?.unmap();
            Ok((done.ok_or(EIO)?, data))
        })
    }

    /// Runs a command that moves no data.
    ///
    /// The context and the errors are those of [`run`](Self::run).
    pub(crate) fn run_plain(&self, (pair, command, limit): Request) -> Result<Done> {
        self.with_queues(|queues| {
            let result = self.exchange(queues, pair, command, limit);
            if result.is_err() {
                let _ = self.give_up(queues);
            }
            result
        })
    }
}
