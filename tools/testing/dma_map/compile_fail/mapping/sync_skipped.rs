// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! What a sync may be left out of is decided by the states, and not by the driver.

use dma_map::MapOptions;
use kernel::prelude::*;

pub const OPTIONS: MapOptions = MapOptions::new();

pub fn options() -> MapOptions {
    // pass: OPTIONS.weak_ordering()
    OPTIONS.skip_cpu_sync()
}
