// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Whether a type may cross follows from the type: a driver cannot declare it.

use dma_map::{
    direction::Carries,
    FromDevice, //
};

pub struct Flag(pub bool);

pub trait Mine<T> {}

pub fn crosses<T, D: Carries<T>>(_: D) {}

// pass: impl Mine<Flag> for FromDevice {}
impl Carries<Flag> for FromDevice {}
