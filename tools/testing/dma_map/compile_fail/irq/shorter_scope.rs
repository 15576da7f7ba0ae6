// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A scope cannot be made shorter, so that a handler could borrow what is shorter.

use dma_map::gate::Scope;

// pass: pub fn shorter<'a>(scope: Scope<'a>, _: &'a u32) -> Scope<'a> {
pub fn shorter<'a, 'bound: 'a>(scope: Scope<'bound>, _: &'a u32) -> Scope<'a> {
    scope
}
