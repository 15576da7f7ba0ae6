// SPDX-License-Identifier: GPL-2.0

//! Queues of commands that complete in any order, as NVMe has them.
//!
//! - [`SubmissionQueue`]: slots that the CPU fills. The device fetches them in order.
//! - [`CompletionQueue`]: entries that only the device writes. A phase bit in each entry says in which lap
//!   it was written.
//! - [`Commands`]: the owner of each command's memory, found by the command's tag.
//!
//! ```text
//!   Commands::post             memory in; the command, with a tag, into the SubmissionQueue
//!   Commands::publish          doorbell: the tail
//!   CompletionQueue::pop       a Completion: an entry of the device's
//!   Commands::take             the memory of the command whose tag the entry has; the head
//!   CompletionQueue::release   doorbell: the head
//! ```
//!
//! # Who says that the device is done
//!
//! As in a [`descriptor_ring`](crate::descriptor_ring), the driver states once what an entry of the
//! device means for memory ([`Completes`](crate::descriptor_ring::Completes)). Only a [`CompletionQueue`]
//! makes a [`Completion`], of what the device wrote there, and [`Commands::take`] consumes it. `take` accepts
//! only completions of its own queue, popped since the last [`cancel`](Commands::cancel). The table has its
//! submission queue to itself, so that no other command there has a tag of the table's. It keeps the memory
//! of the entries, so a completion queue that is dropped first takes nothing from the device.
//!
//! # What is checked
//!
//! A tag must be one of a command that was published and is under way. A tag has a generation, as far as it
//! has bits for that, so an entry that comes twice, or late, does not end the command that has the same
//! place now. The place that is free for the longest time is used next. A head must be one that the
//! submission queue can have. Everything else is `EBADMSG`, and then the memory stays out.
//!
//! Completions may be taken in any order. The head of an older one than the last is not looked at: it would
//! look like one that is nearly a lap ahead.
//!
//! A completion queue yields no more entries than the device could have written since the last
//! [`release`](CompletionQueue::release), so a device that turns phases round does not keep the CPU busy.
//!
//! `tools/testing/dma_map/model/completion.pml` is a model of a completion queue and its commands.

mod commands;
mod completion;
mod places;
mod submission;

pub use self::{
    commands::Commands,
    completion::{
        Completion,
        CompletionQueue, //
    },
    submission::SubmissionQueue, //
};

use super::descriptor_ring::Protocol;
use kernel::prelude::*;

/// A protocol whose slots are completions: the device writes them, with the tag of a command.
///
/// The trait is safe, as [`Protocol`] is, and [`Completes`](crate::descriptor_ring::Completes) states what
/// its functions mean.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Entry { result: Le<u64>, head: Le<u16>, queue: Le<u16>, tag: Le<u16>, status: Le<u16> }
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Command { opcode: Le<u16>, tag: Le<u16> }
/// # struct Completions;
/// impl Protocol for Completions {
///     type Slot = Entry;
///     type Sign = Le<u16>;
///     const SIGN: usize = core::mem::offset_of!(Entry, status);
///     const CAPACITY: Capacity = Capacity::AllButOne;
///
///     fn progress(status: Le<u16>, lap: Lap) -> Progress {
///         if (status.get() & 1 != 0) == lap.phase() {
///             Progress::Done
///         } else {
///             Progress::Pending
///         }
///     }
/// }
///
/// impl Tagged for Completions {
///     type Command = Command;
///     const TAG_BITS: u32 = 16;
///
///     fn set_tag(command: &mut Command, tag: u32) {
///         // CAST: Of 16 bits.
///         command.tag = (tag as u16).into();
///     }
///
///     fn tag(entry: &Entry) -> u32 {
///         entry.tag.get().into()
///     }
///
///     fn head(entry: &Entry) -> Option<u32> {
///         Some(entry.head.get().into())
///     }
/// }
/// ```
pub trait Tagged: Protocol {
    /// A command for the device.
    type Command: FromBytes + IntoBytes;

    /// The number of bits that a tag has in commands and entries, from 1 to 32.
    const TAG_BITS: u32;

    /// Writes the tag into a command.
    fn set_tag(command: &mut Self::Command, tag: u32);

    /// Returns the tag in an entry.
    fn tag(entry: &Self::Slot) -> u32;

    /// Returns the head of the submission queue, if an entry has it.
    #[inline]
    fn head(entry: &Self::Slot) -> Option<u32> {
        let _ = entry;
        None
    }
}
