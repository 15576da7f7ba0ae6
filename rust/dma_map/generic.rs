// SPDX-License-Identifier: GPL-2.0

//! General kernel abstractions: candidates for the `kernel` crate.
//!
//! Nothing in this folder is about DMA. It is here because the `kernel` crate lacks it, or has it with
//! panic paths. When that crate gains an equivalent, the file here is removed.

pub(crate) mod errno;
pub(crate) mod ffi;
pub mod gfp;
pub mod miscdevice;
pub mod once;
pub(crate) mod ops;
pub mod pci;
pub(crate) mod percpu;
pub(crate) mod variance;
pub(crate) mod vec;
pub mod wait;
pub mod workqueue;
