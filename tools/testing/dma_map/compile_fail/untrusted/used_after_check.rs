// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: second-fetch

//! The check gives the value; what was checked is gone.

use dma_map::Untrusted;
use kernel::prelude::*;

pub fn twice(length: Untrusted<usize>) -> Result<usize> {
    let checked = length.length(64)?;
    // pass: Ok(checked)
    Ok(length.length(usize::MAX)?.max(checked))
}
