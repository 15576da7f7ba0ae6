// SPDX-License-Identifier: GPL-2.0

//! The part of the driver that needs no controller: what is exchanged in memory, and how.
//!
//! The KUnit module compiles these files, too, and runs them against a controller that follows a
//! script. They name each other by `super`, so that it does not matter where they are.

pub(crate) mod chain;
pub(crate) mod command;
pub(crate) mod completion;
pub(crate) mod describe;
pub(crate) mod exchange;
pub(crate) mod flights;
pub(crate) mod identify;
pub(crate) mod ledger;
pub(crate) mod length;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod prp;
pub(crate) mod queue;
pub(crate) mod sgl;
pub(crate) mod turn;
