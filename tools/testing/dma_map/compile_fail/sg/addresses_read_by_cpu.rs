// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! What only has its addresses left does not go back to the CPU before it is unmapped.

use dma_map::{
    sg::SgAddresses,
    Busy,
    Engine,
    FromDevice, //
};
use kernel::prelude::*;

pub type Addresses<'bound, E> = SgAddresses<'bound, VVec<u8>, FromDevice, E>;

pub fn take<E: Engine>(addresses: Addresses<'_, E>) -> Result {
    // pass: let _buffer = addresses.unmap().map_err(|Busy(_)| EBUSY)?;
    let _buffer = addresses.complete().map_err(|Busy(_)| EBUSY)?;
    Ok(())
}
