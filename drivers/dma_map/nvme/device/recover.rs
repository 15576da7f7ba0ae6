// SPDX-License-Identifier: GPL-2.0

//! Recovery: what becomes of commands when the controller is disabled, and how it is started anew.

use super::{
    Device,
    Queues,
    SHUTDOWN_MAX,
    TIMEOUT, //
};
use crate::{
    controller::Pair,
    disks::Disks,
    io::Served,
    protocol::command::{
        admin,
        Command, //
    }, //
};
use core::sync::atomic::Ordering;
use dma_map::irq::Interrupt;
use kernel::{
    prelude::*,
    sync::atomic::Relaxed,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};

impl<'bound> Device<'bound> {
    /// Takes all commands from the controller: disables it, until it is started anew.
    ///
    /// # Errors
    ///
    /// Those of [`Controller::disable`].
    pub(super) fn give_up(&self, queues: &mut Queues<'bound>) -> Result {
        queues.started = false;
        // The block layer's commands are forgotten, too.
        self.tend_later();
        if self.gone.load(Relaxed) {
            // Nobody starts it anew. A disabled controller could not be shut down any more.
            self.shut_down();
            return Ok(());
        }
        self.controller.disable()
    }

    /// Shuts the controller down, and disables it.
    pub(super) fn shut_down(&self) {
        let limit = Delta::from_micros(self.entry_latency.load(Relaxed).into());
        self.controller.shut_down(limit.min(SHUTDOWN_MAX));
    }

    /// Disables the controller, and starts it anew. Requests that it had go back to the block layer, and fail
    /// if it cannot be started.
    ///
    /// # Errors
    ///
    /// Those of [`give_up`](Self::give_up) and of [`start`](Self::start).
    pub(super) fn restart(&self, queues: &mut Queues<'bound>) -> Result {
        let disks = self.io.as_ref().and_then(|io| io.disks.as_ref());
        let paused = disks.map(|disks| disks.tags.quiesce());

        let mut result = self.give_up(queues);
        self.take_back();
        if result.is_ok() {
            result = self.start(queues);
        }
        self.dead.store(result.is_err(), Ordering::Relaxed);
        drop(paused);
        result
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

    /// Gives the block layer's requests back, which the controller has forgotten. The block layer is quiesced.
    fn take_back(&self) {
        if let Some(io) = self.io.as_ref() {
            io.take_back();
        }
    }

    /// Takes the completions of all queues of the block layer.
    pub(super) fn serve_all(&self) {
        for interrupt in self.interrupts() {
            interrupt.handler().serve();
        }
    }

    fn interrupts(&self) -> &[Interrupt<'bound, Served<'bound>>] {
        self.interrupts.as_ref().map_or(&[], |all| all)
    }

    /// Returns whether the work will reset the controller.
    pub(super) fn wants_reset(&self) -> bool {
        let disks = self.io.as_ref().and_then(|io| io.disks.as_ref());
        disks.is_some_and(|disks| disks.wants_reset())
    }

    fn tend_later(&self) {
        if let Some(disks) = self.io.as_ref().and_then(|io| io.disks.as_ref()) {
            disks.tend_later();
        }
    }

    /// Looks after the controller: resets it if somebody wants that, and starts it if it is not. Else looks
    /// for completions whose interrupt was lost, and aborts commands that are late.
    ///
    /// Context: may sleep.
    pub(crate) fn tend(&self, disks: &Disks) {
        if disks.take_wants_reset() {
            // Requests fail if that fails.
            let _ = self.reset();
            return;
        }
        {
            // Nobody makes the queues as new meanwhile.
            let _queues = self.queues.lock();
            let _ = self.controller.without_line(|| {
                self.serve_all();
                Ok(())
            });
            if let Some(io) = self.io.as_ref() {
                io.poll_all();
            }
        }
        // An abort may fail. The command is late again then.
        let _ = self.abort();
    }

    /// Starts the controller if it is not, and aborts commands that are late.
    fn abort(&self) -> Result {
        self.with_queues(|queues| {
            let Some(io) = self.io.as_ref() else {
                return Ok(());
            };
            for (index, queue) in (0u32..).zip(io.each()) {
                let Some(flights) = self.controller.flights(index) else {
                    continue;
                };
                for id in flights.late() {
                    let (number, _) = queue.numbers();
                    let what = u32::from(id) << 16 | u32::from(number);
                    let abort = Command::new(admin::ABORT, 0).with_words([what]);
                    // A controller that does not answer is given up, and that enqueues this work again. One that
                    // refuses has the command still: it will be late again, and that costs a reset.
                    let result = self.exchange(queues, Pair::Admin, abort, TIMEOUT);
                    if let Err(error) = result {
                        let _ = self.give_up(queues);
                        return Err(error);
                    }
                }
            }
            Ok(())
        })
    }

    /// Stops the device for good, because it is gone: requests fail.
    ///
    /// Context: may sleep.
    pub(crate) fn abandon(&self) {
        self.resets.add(1, Relaxed);
        let mut queues = self.queues.lock();
        self.resets.add(-1, Relaxed);

        let disks = self.io.as_ref().and_then(|io| io.disks.as_ref());
        let paused = disks.map(|disks| disks.tags.quiesce());
        queues.started = false;
        let _ = self.controller.disable();
        self.take_back();
        self.dead.store(true, Ordering::Relaxed);
        drop(paused);
    }

    /// Runs `f` while the controller has no command of the block layer.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`: it has had some for too long. Those of `f`.
    pub(crate) fn without_requests<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        let io = self.io.as_ref();
        let Some((io, disks)) = io.and_then(|io| Some((io, io.disks.as_ref()?))) else {
            return f();
        };
        let _paused = disks.tags.quiesce();
        let start = Instant::<Monotonic>::now();
        let count = io.count();
        let busy = |index| {
            let flights = self.controller.flights(index);
            flights.is_some_and(|flights| !flights.are_none())
        };
        while (0..count).any(busy) {
            if start.elapsed() > TIMEOUT {
                return Err(ETIMEDOUT);
            }
            // Whoever polls for them may be the caller.
            io.poll_all();
            fsleep(Delta::from_millis(1));
        }
        let result = f();
        // A command of another size than the block layer thinks would move more than the request has.
        disks.each(|namespace| {
            let is_same = self.namespace(namespace.id).is_ok_and(|answer| {
                answer.is_ok_and(|answer| answer.geometry() == Ok(namespace.geometry))
            });
            if !is_same {
                namespace.set_stale();
            }
        });
        result
    }
}
