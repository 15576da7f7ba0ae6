// SPDX-License-Identifier: GPL-2.0

//! Protocols over shared memory: byte order, untrusted values, rings and mailboxes.

pub mod descriptor_ring;
pub mod endian;
pub mod mailbox;
pub mod queue;
pub mod ring;
pub mod untrusted;
