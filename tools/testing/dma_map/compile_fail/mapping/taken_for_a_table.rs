// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-wrong-function

//! A mapping of one piece is not unmapped as a table is.

use dma_map::{
    Busy,
    Device,
    DmaMapping,
    Engine,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Piece<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;
pub type Table<'bound, E> = SgMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn finish<E: Engine>(mapping: Table<'_, E>) -> Result<KVec<u8>, Busy<Table<'_, E>>> {
    mapping.unmap()
}

pub fn run<E: Engine>(_piece: Piece<'_, E>, _table: Table<'_, E>) {
    // pass: let _ = finish(_table);
    let _ = finish(_piece);
}
