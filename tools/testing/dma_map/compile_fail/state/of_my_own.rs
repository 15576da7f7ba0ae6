// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The states are those that the library has.

use dma_map::state::State;

pub struct Both;

// pass: impl Both {}
impl State for Both {}
