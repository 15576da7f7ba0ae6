// SPDX-License-Identifier: GPL-2.0

//! Memory that is allocated for a device: coherent memory, pages for streaming, pools, user mappings.

pub mod coherent;
mod deferred;
pub mod mapped_pool;
pub mod mmap;
pub mod noncoherent;
pub mod pool;
