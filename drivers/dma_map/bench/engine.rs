// SPDX-License-Identifier: GPL-2.0

//! Engine of a device that does no DMA.

use dma_map::Engine;
use kernel::prelude::*;

/// `pci-testdev` does no DMA.
///
/// So its answers cost nothing. A C driver has to read the same register or flag as a real engine does.
#[derive(Clone, Copy)]
pub(crate) struct Idle;

// SAFETY: The device accesses no memory.
unsafe impl Engine for Idle {
    type Mark = Self;

    #[inline]
    fn is_idle(&self) -> bool {
        true
    }

    #[inline]
    fn quiesce(&self) -> Result {
        Ok(())
    }
}
