// SPDX-License-Identifier: GPL-2.0
// error: E0061

//! What `Mmap` needs of a handle shortens a lifetime: that is the crate's own affair.

use dma_map::mmap::Mappable;

pub fn device<H: Mappable>(handle: &H) {
    // pass: let _ = handle;
    let _ = handle.device();
}
