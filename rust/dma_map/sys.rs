// SPDX-License-Identifier: GPL-2.0

//! The C side: helpers in C and their twins in Rust, barriers, the linear mapping, deferred frees, and
//! leak tracking.
//!
//! Here are raw pointers and numbers. Nothing in this folder knows of owners, directions or
//! [`DmaDevice`](crate::DmaDevice)s.

pub mod barrier;
pub(crate) mod bouncing;
pub(crate) mod chunk;
pub(crate) mod deferral;
pub(crate) mod ffi;
pub(crate) mod ledger;
pub(crate) mod linear;
pub(crate) mod region;
