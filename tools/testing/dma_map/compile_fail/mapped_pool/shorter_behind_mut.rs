// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A buffer that somebody lent cannot be exchanged for one whose binding ends earlier.

use dma_map::{
    MappedBuffer,
    ToDevice, //
};

pub type Buffer<'bound> = MappedBuffer<'bound, u8, ToDevice>;

// pass: pub fn exchange<'short, 'long: 'short>(old: &mut Buffer<'long>, new: Buffer<'long>) {
pub fn exchange<'short, 'long: 'short>(old: &mut Buffer<'long>, new: Buffer<'short>) {
    *old = new;
}
