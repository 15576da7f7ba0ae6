// SPDX-License-Identifier: GPL-2.0

//! Questions to the controller: its identity, its health, and its namespaces.

use super::{
    Device,
    TIMEOUT, //
};
use crate::{
    controller::{
        Access,
        Pair, //
    },
    protocol::{
        command::{
            admin,
            Command, //
        },
        identify,
        log,
        queue::Done, //
    }, //
};
use dma_map::{
    DmaCoherent,
    Gfp,
    Transfer, //
};
use kernel::prelude::*;

/// What the controller has answered; or how the command has ended, if it has failed.
type Answer<'bound, T> = Result<Result<DmaCoherent<'bound, T>, Done>>;

impl<'bound> Device<'bound> {
    /// Runs an admin command of the driver's own, which writes a `T`.
    ///
    /// Returns how the command has ended, if the controller has refused it.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    fn ask<T: FromBytes + IntoBytes>(&self, command: Command) -> Answer<'bound, T> {
        let request = (Pair::Admin, command, TIMEOUT);

        self.with_queues(|queues| {
            let access = Access::of_next_command(&self.controller, Pair::Admin);
            let memory = DmaCoherent::<T>::zeroed(self.dma, Gfp::Kernel)?.give(access);
            let mut done = None;
            let transfer = Transfer::start(memory, |memory| {
                done = Some(self.submit(queues, request, memory.piece()?.pieces())?);
                Ok(())
            })?;
            let memory = transfer.complete()?;
            let done = done.ok_or(EIO)?;
            Ok(done.status.check().map(|()| memory).map_err(|_| done))
        })
    }

    /// Asks the controller who it is, or about a namespace.
    fn identify<T: FromBytes + IntoBytes>(&self, what: u32, namespace: u32) -> Answer<'bound, T> {
        const { assert!(size_of::<T>() == identify::SIZE) };

        self.ask(Command::new(admin::IDENTIFY, namespace).with_words([what]))
    }

    /// Asks the controller how it is.
    ///
    /// The result and the errors are those of [`ask`](Self::ask).
    pub(crate) fn health(&self) -> Answer<'bound, log::Smart> {
        /// The number of 32-bit words, less 1.
        const WORDS: u32 = (size_of::<log::Smart>() / 4 - 1) as u32;

        // Of all namespaces.
        let command = Command::new(admin::GET_LOG_PAGE, u32::MAX);
        self.ask(command.with_words([WORDS << 16 | log::SMART]))
    }

    /// Asks the controller who it is.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run), and `EINVAL` or `EIO` if the controller does not say it.
    pub(crate) fn identity(&self) -> Result<DmaCoherent<'bound, identify::Controller>> {
        self.identify(identify::ask::CONTROLLER, 0)?
            .map_err(|done| done.status.check().err().unwrap_or(EIO))
    }

    /// Asks the controller about a namespace.
    ///
    /// The result and the errors are those of [`ask`](Self::ask).
    pub(crate) fn namespace(&self, namespace: u32) -> Answer<'bound, identify::Namespace> {
        self.identify(identify::ask::NAMESPACE, namespace)
    }

    /// Asks the controller which namespaces are active; for the first 1,024 of them.
    ///
    /// The result and the errors are those of [`ask`](Self::ask).
    pub(crate) fn namespaces(&self) -> Answer<'bound, identify::NamespaceList> {
        self.identify(identify::ask::ACTIVE_NAMESPACES, 0)
    }
}
