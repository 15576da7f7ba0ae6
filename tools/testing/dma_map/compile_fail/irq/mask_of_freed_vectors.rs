// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! The CPUs of a vector are known while it is there.

use dma_map::irq::Vectors;
use kernel::prelude::*;

pub fn count(vectors: Vectors<'_>) -> Result<u32> {
    let mask = vectors.affinity(0)?.ok_or(EINVAL)?;
    // pass:
    drop(vectors);
    Ok(mask.weight())
}
