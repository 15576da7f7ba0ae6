// SPDX-License-Identifier: GPL-2.0
// error: E0616
// misuse: free-different-cpu-address

//! The addresses of a handle are not to be exchanged.

use dma_map::{
    DmaPages,
    ToDevice, //
};

pub type Pages<'bound> = DmaPages<'bound, u8, ToDevice>;

pub fn exchange<'b>(one: &mut Pages<'b>, two: &mut Pages<'b>) {
    // pass: core::mem::swap(one, two);
    core::mem::swap(&mut one.backing, &mut two.backing);
}
