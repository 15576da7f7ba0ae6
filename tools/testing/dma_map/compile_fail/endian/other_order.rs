// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! A number in one order is not one in the other.

use dma_map::endian::{
    Be,
    Le, //
};

pub fn network(port: Le<u16>) -> Be<u16> {
    // pass: port.get().into()
    port
}
