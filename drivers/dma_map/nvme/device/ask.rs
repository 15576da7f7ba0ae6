// SPDX-License-Identifier: GPL-2.0

//! What the driver asks the controller: who it is, how it is, and which namespaces it has.

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
        identify::{
            self,
            Geometry, //
        },
        log, //
    }, //
};
use dma_map::{
    DmaCoherent,
    Gfp,
    Transfer, //
};
use kernel::prelude::*;

impl<'bound> Device<'bound> {
    /// Runs an admin command of the driver's own, which writes a `T`.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run), and `EINVAL` or `EIO` if the command has failed.
    fn ask<T: FromBytes + IntoBytes>(&self, command: Command) -> Result<DmaCoherent<'bound, T>> {
        let request = (Pair::Admin, command, TIMEOUT);

        let mut queues = self.queues()?;
        let access = Access::of_next_command(&self.controller, Pair::Admin);
        let memory = DmaCoherent::<T>::zeroed(self.dma, Gfp::Kernel)?.give(access);
        let transfer = Transfer::start(memory, |memory| {
            let done = self.submit(&mut queues, request, memory.piece()?.pieces())?;
            done.status.check()
        })?;
        Ok(transfer.complete()?)
    }

    /// Asks the controller who it is, or about a namespace.
    ///
    /// # Errors
    ///
    /// Those of [`ask`](Self::ask).
    fn identify<T: FromBytes + IntoBytes>(
        &self,
        what: u32,
        namespace: u32,
    ) -> Result<DmaCoherent<'bound, T>> {
        const { assert!(size_of::<T>() == identify::SIZE) };

        self.ask(Command::new(admin::IDENTIFY, namespace).with_words([what]))
    }

    /// Asks the controller how it is.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub(crate) fn health(&self) -> Result<DmaCoherent<'bound, log::Smart>> {
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
    /// Those of [`run`](Self::run).
    pub(crate) fn identity(&self) -> Result<DmaCoherent<'bound, identify::Controller>> {
        self.identify(identify::ask::CONTROLLER, 0)
    }

    /// Asks the controller about a namespace.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run) and of [`identify::Namespace::geometry`].
    pub(crate) fn geometry(&self, namespace: u32) -> Result<Geometry> {
        self.identify::<identify::Namespace>(identify::ask::NAMESPACE, namespace)?
            .geometry()
    }

    /// Calls `f` with the number of each active namespace; with the first 1,024 of them.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub(crate) fn for_each_namespace(&self, mut f: impl FnMut(u32)) -> Result {
        let list = self.identify::<identify::NamespaceList>(identify::ask::ACTIVE_NAMESPACES, 0)?;
        list.iter()
            .map(|number| number.get())
            .take_while(|&number| number != 0)
            .for_each(&mut f);
        Ok(())
    }
}
