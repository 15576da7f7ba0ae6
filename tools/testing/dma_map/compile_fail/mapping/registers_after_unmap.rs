// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-not-allocated

//! An address is gone with its mapping.

use dma_map::{
    mapping::MmioMapping,
    Engine,
    FromDevice, //
};
use kernel::prelude::*;

pub fn end<E: Engine>(mapping: MmioMapping<'_, FromDevice, E>) -> Result<u64> {
    let address = mapping.dma_address();
    mapping.unmap()?;
    // pass: Ok(address)
    Ok(mapping.dma_address())
}
