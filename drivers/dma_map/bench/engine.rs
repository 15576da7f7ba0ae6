// SPDX-License-Identifier: GPL-2.0

//! The part of the device that does the DMA: there is none.

use dma_map::Engine;
use kernel::prelude::*;

/// `pci-testdev` does no DMA.
///
/// So asking it costs nothing; what a driver's engine looks at when it is asked, a C driver looks at
/// as well.
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
