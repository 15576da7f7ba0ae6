// SPDX-License-Identifier: GPL-2.0
// error: E0596
// misuse: racing-cpu-access

//! Two threads that share the mapping cannot both write.

use dma_map::{
    Cpu,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, ToDevice, Cpu>;

// pass: pub fn clear(mapping: &mut Mapping<'_>) {
pub fn clear(mapping: &Mapping<'_>) {
    mapping.as_mut_slice().fill(0);
}
