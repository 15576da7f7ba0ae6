// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! What a transfer holds is a handle, which asks its engine.

use dma_map::InFlight;

pub struct Mine;

pub trait Mark {}
impl Mark for Mine {}

// pass: pub fn is_handle<H: Mark>(_: H) {}
pub fn is_handle<H: InFlight>(_: H) {}

pub fn check(_: impl InFlight) {
    is_handle(Mine);
}
