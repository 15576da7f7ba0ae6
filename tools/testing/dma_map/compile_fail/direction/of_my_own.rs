// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: direction-none

//! The directions are the three that the library has.

use dma_map::direction::Direction;
use kernel::{
    bindings,
    dma::DataDirection, //
};

#[derive(Clone, Copy)]
pub struct Nowhere;

// pass: impl Nowhere {
impl Direction for Nowhere {
    const DATA_DIRECTION: DataDirection = DataDirection::None;
    const RAW: bindings::dma_data_direction = bindings::dma_data_direction::DMA_NONE;
    const DEVICE_WRITES: bool = false;
}
