// SPDX-License-Identifier: GPL-2.0

//! Driver framework: files and work that are tied to a binding.

pub mod gate;
mod queue;
