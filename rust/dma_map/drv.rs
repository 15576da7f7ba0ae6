// SPDX-License-Identifier: GPL-2.0

//! Driver framework: files, work and interrupts that are tied to a binding.

pub mod gate;
pub mod irq;
mod queue;
mod scope;
mod tied;
