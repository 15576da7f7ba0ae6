// SPDX-License-Identifier: GPL-2.0

//! Buffers: CPU memory that a mapping can own, and the walks over it.

pub(crate) mod buffer;
pub(crate) mod buffer_range;
pub(crate) mod contiguous;
pub(crate) mod list;
pub(crate) mod page_list;
pub(crate) mod pages;
pub(crate) mod user;
pub(crate) mod vectors;
pub(crate) mod walk;
