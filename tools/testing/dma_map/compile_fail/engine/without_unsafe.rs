// SPDX-License-Identifier: GPL-2.0
// error: E0200

//! How the device is stopped is the one `unsafe` statement of a driver.

use dma_map::Engine;
use kernel::prelude::*;

pub struct Port;

// SAFETY: The port has no DMA.
// pass: unsafe impl Engine for Port {
impl Engine for Port {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}
