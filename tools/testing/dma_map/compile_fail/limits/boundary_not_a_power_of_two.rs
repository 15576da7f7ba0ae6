// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A driver can have its constant limits checked when it is built.

use dma_map::DmaLimits;
use kernel::dma::DmaMask;

// pass: pub const BOUNDARY: u64 = 0x3fff;
pub const BOUNDARY: u64 = 0x2fff;
pub const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<32>()).segment_boundary(BOUNDARY);

const _: () = assert!(LIMITS.check().is_ok());
