// SPDX-License-Identifier: GPL-2.0

//! Driver framework: what ties files and work to a binding.

pub mod gate;
mod queue;
