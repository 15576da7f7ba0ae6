// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A vector is enabled again before its handler is removed.

use dma_map::irq::Interrupt;
use kernel::prelude::*;

pub fn end<H>(irq: Interrupt<'_, H>) -> Result {
    let disabled = irq.disable()?;
    // pass: drop(disabled);
    drop(irq);
    Ok(())
}
