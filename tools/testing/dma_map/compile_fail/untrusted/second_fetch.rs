// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: second-fetch

//! A length that the device wrote is read once: what was checked is what is used.

use dma_map::CoherentView;
use kernel::prelude::*;

pub fn length(field: CoherentView<'_, u32>) -> Result<usize> {
    let field = field.once();
    let length = field.read();
    // pass: length.length(64)
    field.read().length(64)
}
