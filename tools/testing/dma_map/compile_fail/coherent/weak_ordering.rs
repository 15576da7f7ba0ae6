// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: free-different-attributes

//! Memory whose accesses may pass each other is not coherent memory.

use dma_map::{
    CoherentOptions,
    Gfp, //
};

pub fn options() -> CoherentOptions {
    // pass: CoherentOptions::new(Gfp::Kernel).write_combine()
    CoherentOptions::new(Gfp::Kernel).weak_ordering()
}
