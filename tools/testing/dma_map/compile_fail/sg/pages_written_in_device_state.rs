// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! While the device owns the pages, the CPU does not copy to them.

use dma_map::{
    Device,
    Engine,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, PageList, ToDevice, Device<E>>;

pub fn clear<E: Engine>(mapping: Mapping<'_, E>) -> Result {
    // pass: let mut mapping = mapping.complete()?;
    let mut mapping = mapping;
    mapping.write(0, &[0; 16])
}
