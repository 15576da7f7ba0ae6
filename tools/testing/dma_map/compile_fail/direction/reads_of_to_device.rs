// SPDX-License-Identifier: GPL-2.0
// error: E0117
// misuse: to-device-read-back

//! Which accessors a direction has is decided by the library.

use dma_map::{
    direction::CpuReads,
    ToDevice, //
};

pub trait Mine: Sized {}

// pass: impl Mine for ToDevice {}
impl CpuReads for ToDevice {}
