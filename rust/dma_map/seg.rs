// SPDX-License-Identifier: GPL-2.0

//! Segments: the tables that C maps, and the DMA addresses that the device gets.

pub(crate) mod fill;
pub(crate) mod page_addresses;
pub(crate) mod piece;
pub(crate) mod segments;
pub(crate) mod table;
