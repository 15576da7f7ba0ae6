// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Vectors

//! Vectors end with the binding of their device.

use dma_map::{
    gate::Scope,
    irq::{
        VectorOptions,
        Vectors, //
    }, //
};
use kernel::prelude::*;

// pass: pub fn make(scope: Scope<'_>) -> Result<Vectors<'_>> {
pub fn make(scope: Scope<'_>) -> Result<Vectors<'static>> {
    Vectors::alloc(scope, VectorOptions::new(1, 8))
}
