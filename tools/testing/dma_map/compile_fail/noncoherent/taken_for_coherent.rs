// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-wrong-function

//! Pages for streaming are not freed as coherent memory is.

use dma_map::{
    DmaCoherent,
    DmaPages,
    ToDevice, //
};
use kernel::prelude::*;

pub fn free(memory: DmaCoherent<'_, [u8]>) {
    drop(memory);
}

pub fn run(_pages: DmaPages<'_, u8, ToDevice>, _memory: DmaCoherent<'_, [u8]>) {
    // pass: free(_memory);
    free(_pages);
}
