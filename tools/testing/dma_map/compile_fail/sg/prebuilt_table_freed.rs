// SPDX-License-Identifier: GPL-2.0
// error: E0133

//! A table that was built for a buffer is freed by the library, which knows whether it is mapped.

use dma_map::sg::SgSource;

pub fn strip<S: SgSource<OwnTable = ()>>(source: &mut S) {
    // pass: source.memory();
    source.free_table(&mut ());
}
