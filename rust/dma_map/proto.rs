// SPDX-License-Identifier: GPL-2.0

//! Protocols over shared memory: byte order, untrusted values, rings and mailboxes.

pub mod endian;
pub mod mailbox;
pub mod ring;
pub mod untrusted;
