// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: sync-write-only-for-device

//! Pages that the device fills are not the CPU's to write.

use dma_map::{
    Cpu,
    FromDevice,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Mapping<'bound> = SgMapping<'bound, PageList, ToDevice, Cpu>;
pub type Mapping<'bound> = SgMapping<'bound, PageList, FromDevice, Cpu>;

pub const DIRECTIONS: (ToDevice, FromDevice) = (ToDevice, FromDevice);

pub fn clear(mapping: &mut Mapping<'_>) -> Result {
    mapping.write(0, &[0; 16])
}
