// SPDX-License-Identifier: GPL-2.0

//! General abstractions: candidates for the `kernel` crate.
//!
//! Nothing in this folder is about DMA. It is here because the `kernel` crate does not have it, or has it
//! with panic paths. Once that crate has it, the file goes.

pub(crate) mod errno;
pub(crate) mod ffi;
pub mod gfp;
pub mod miscdevice;
pub(crate) mod ops;
pub mod pci;
pub(crate) mod percpu;
pub(crate) mod variance;
pub(crate) mod vec;
pub mod workqueue;
