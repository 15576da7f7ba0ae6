// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: reference-into-shared

//! There is no reference to memory that user space can change.

use dma_map::{
    Cpu,
    FromDevice,
    SgMapping,
    UserPages, //
};
use kernel::prelude::*;

pub fn first(mapping: &SgMapping<'_, UserPages<FromDevice>, FromDevice, Cpu>) -> Result<u8> {
    let mut first = [0];
    // pass: mapping.read(0, &mut first)?;
    let _bytes = mapping.as_slice();
    Ok(first[0])
}
