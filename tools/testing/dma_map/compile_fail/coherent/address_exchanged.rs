// SPDX-License-Identifier: GPL-2.0
// error: E0616
// misuse: free-different-cpu-address

//! The addresses of a handle are not to be exchanged.

use dma_map::DmaCoherent;

pub type Memory<'bound> = DmaCoherent<'bound, [u8]>;

pub fn exchange<'b>(one: &mut Memory<'b>, two: &mut Memory<'b>) {
    // pass: core::mem::swap(one, two);
    core::mem::swap(&mut one.backing, &mut two.backing);
}
