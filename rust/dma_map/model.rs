// SPDX-License-Identifier: GPL-2.0

//! The ownership model: states, directions, engines, views, errors and options.
//!
//! Types only. Nothing in this folder allocates, maps, or calls C.

pub mod direction;
pub mod engine;
pub mod error;
pub(crate) mod map_options;
pub(crate) mod sg_options;
pub mod state;
pub(crate) mod sync_attrs;
pub mod view;
