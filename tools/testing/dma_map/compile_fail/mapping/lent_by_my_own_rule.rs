// SPDX-License-Identifier: GPL-2.0
// error: E0117

//! A driver cannot declare that a device may write to what is borrowed for reading.

use dma_map::{
    mapping::Lend,
    FromDevice, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Mine(pub u8);

pub trait Lends<D> {}

pub fn lend<M: Lend<FromDevice>>(_: M) {}

// pass: impl Lends<FromDevice> for &[Mine] {}
impl Lend<FromDevice> for &[Mine] {}
