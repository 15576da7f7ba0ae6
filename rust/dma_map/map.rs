// SPDX-License-Identifier: GPL-2.0

//! Streaming mappings: buffers that CPU and device own in turn.

pub mod iova;
pub mod mapping;
pub mod sg;
