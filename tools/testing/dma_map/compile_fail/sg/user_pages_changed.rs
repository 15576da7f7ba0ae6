// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The CPU does not write to user memory that was pinned for reading.

use dma_map::{
    Cpu,
    PageList,
    SgMapping,
    ToDevice,
    UserPages, //
};
use kernel::prelude::*;

pub type Buffers = (UserPages<ToDevice>, PageList);

// pass: pub fn clear(mapping: &mut SgMapping<'_, PageList, ToDevice, Cpu>) -> Result {
pub fn clear(mapping: &mut SgMapping<'_, UserPages<ToDevice>, ToDevice, Cpu>) -> Result {
    mapping.write(0, &[0])
}
