// SPDX-License-Identifier: GPL-2.0

//! The C side: C helpers and their declarations, barriers, the linear mapping, deferred frees, leak
//! tracking, and files in debugfs.
//!
//! This folder works with raw pointers and numbers. It knows nothing of owners, directions or
//! [`DmaDevice`](crate::DmaDevice)s.

pub mod barrier;
pub(crate) mod bouncing;
pub(crate) mod chunk;
pub(crate) mod debugfs;
pub(crate) mod deferral;
pub(crate) mod ffi;
pub(crate) mod leak_tracking;
pub(crate) mod leftovers;
pub(crate) mod linear;
pub(crate) mod region;
