// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A mask has at most 64 bits.

use dma_map::DmaLimits;
use kernel::dma::DmaMask;

// pass: pub const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<64>());
pub const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<65>());
