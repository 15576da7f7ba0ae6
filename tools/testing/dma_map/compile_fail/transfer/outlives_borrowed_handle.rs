// SPDX-License-Identifier: GPL-2.0
// error: E0597

//! A transfer does not keep alive what it borrows.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn send<E: Engine>(mapping: Mapping<'_, E>) -> Result {
    let kept = {
        let mapping = mapping;
        let transfer = Transfer::start(&mapping, |_| Ok(()))?;
        // pass: transfer.is_idle()
        transfer
    };
    drop(kept);
    Ok(())
}
