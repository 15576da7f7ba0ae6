// SPDX-License-Identifier: GPL-2.0
// error: E0624
// misuse: free-wrong-function, free-different-attributes

//! Memory without a kernel mapping is another type, not an option of one with accessors.

use dma_map::{
    CoherentOptions,
    Gfp, //
};

pub fn options() -> CoherentOptions {
    // pass: CoherentOptions::new(Gfp::Kernel).privileged()
    CoherentOptions::new(Gfp::Kernel).no_kernel_mapping()
}
