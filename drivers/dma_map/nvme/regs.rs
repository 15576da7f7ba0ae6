// SPDX-License-Identifier: GPL-2.0

//! Registers of an NVMe controller, in BAR 0.
//!
//! NVM Express Base Specification 1.4, section 3.1. A register of 64 bits is accessed by its halves, as
//! the specification allows. The doorbells follow the registers. Where they are depends on
//! [`CAP_HIGH`], so an access to one is checked when it is made.

use kernel::{
    io::{
        register,
        Io, //
    },
    pci,
    prelude::*, //
};

register! {
    /// Capabilities, the lower half.
    pub(crate) CAP_LOW(u32) @ 0x00 {
        /// The longest time that a change of [`CC`] takes, in units of 500 ms.
        31:24 timeout;
        /// The largest number of entries of a queue, less 1.
        15:0  queue_max;
    }

    /// Capabilities, the upper half.
    pub(crate) CAP_HIGH(u32) @ 0x04 {
        /// The smallest memory page that the controller works with: 2^(12 + n) bytes.
        19:16 page_min;
        /// The I/O command set is the NVM command set.
        5:5   nvm_commands => bool;
        /// The distance between two doorbells: 2^(2 + n) bytes.
        3:0   doorbell_stride;
    }

    /// The version of the specification that the controller follows. Never 0.
    pub(crate) VS(u32) @ 0x08 {
        31:16 major;
        15:8  minor;
        7:0   tertiary;
    }

    /// The interrupt vectors to mask, and those to unmask, by their bits. Not for a function with MSI-X.
    pub(crate) INTMS(u32) @ 0x0c {
        0:0 first => bool;
    }
    pub(crate) INTMC(u32) @ 0x10 {
        0:0 first => bool;
    }

    /// Controller configuration.
    pub(crate) CC(u32) @ 0x14 {
        /// The size of a completion queue entry: 2^n bytes.
        23:20 completion_size;
        /// The size of a submission queue entry: 2^n bytes.
        19:16 submission_size;
        /// A request to shut down: [`SHUTDOWN_NORMAL`].
        15:14 shutdown;
        /// The size of a memory page: 2^(12 + n) bytes.
        10:7  page_size;
        0:0   enable => bool;
    }

    /// Controller status.
    pub(crate) CSTS(u32) @ 0x1c {
        /// How far a shutdown is: [`SHUTDOWN_DONE`] at its end.
        3:2 shutdown;
        /// The controller has failed, and does nothing before it is reset.
        1:1 fatal => bool;
        /// The controller takes commands.
        0:0 ready => bool;
    }

    /// Admin queue attributes: the numbers of entries, less 1.
    pub(crate) AQA(u32) @ 0x24 {
        27:16 completion_entries;
        11:0  submission_entries;
    }

    /// The address of the admin submission queue.
    pub(crate) ASQ_LOW(u32) @ 0x28 {
        31:0 address;
    }
    pub(crate) ASQ_HIGH(u32) @ 0x2c {
        31:0 address;
    }

    /// The address of the admin completion queue.
    pub(crate) ACQ_LOW(u32) @ 0x30 {
        31:0 address;
    }
    pub(crate) ACQ_HIGH(u32) @ 0x34 {
        31:0 address;
    }
}

/// [`CC`]'s request for an orderly shutdown.
pub(crate) const SHUTDOWN_NORMAL: u32 = 1;

/// [`CSTS`]'s answer when the shutdown is done.
pub(crate) const SHUTDOWN_DONE: u32 = 2;

/// Where the doorbells begin.
const DOORBELLS: usize = 0x1000;

/// The part of the BAR whose accesses are checked when the driver is compiled.
pub(crate) type Bar<'bound> = pci::Bar<'bound, DOORBELLS>;

/// The two doorbells of a queue pair, each as an offset in the BAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doorbells {
    submission: usize,
    completion: usize,
}

impl Doorbells {
    /// Returns the doorbells of the queues with number `queue`.
    pub(crate) fn of(cap: CAP_HIGH, queue: u16) -> Self {
        // The stride is at most 2^17. An offset that does not fit is not within the BAR either.
        let stride = 4usize << u32::from(cap.doorbell_stride());
        let pair = stride
            .saturating_mul(2)
            .saturating_mul(queue.into())
            .saturating_add(DOORBELLS);

        Self {
            submission: pair,
            completion: pair.saturating_add(stride),
        }
    }

    /// Tells the controller of new commands, up to `tail`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the doorbell is not within the BAR.
    pub(crate) fn ring_submission(self, bar: &Bar<'_>, tail: u16) -> Result {
        bar.try_write32(tail.into(), self.submission)
    }

    /// Tells the controller of the completions that were taken, up to `head`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the doorbell is not within the BAR.
    pub(crate) fn ring_completion(self, bar: &Bar<'_>, head: u16) -> Result {
        bar.try_write32(head.into(), self.completion)
    }
}
