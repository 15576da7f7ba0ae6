// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: to-device-read-back

//! What goes to the device has nothing for the CPU to read.

use dma_map::{
    Cpu,
    FromDevice,
    IovaMapping,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Mapping<'bound> = IovaMapping<'bound, VVec<u8>, FromDevice, Cpu>;
pub type Mapping<'bound> = IovaMapping<'bound, VVec<u8>, ToDevice, Cpu>;

pub const DIRECTIONS: (ToDevice, FromDevice) = (ToDevice, FromDevice);

pub fn first(mapping: &Mapping<'_>) -> Option<u8> {
    mapping.as_slice().first().copied()
}
