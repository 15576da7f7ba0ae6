// SPDX-License-Identifier: GPL-2.0

//! Options of a pool.

use kernel::prelude::*;

/// The name of a pool, and whether segment limits apply to its blocks.
///
/// Every constructor of a pool takes a value that converts into this: a name alone, or options that were
/// built from one.
///
/// # Examples
///
/// ```ignore,run
/// # type PrpList = [u64; 512];
/// let lists = PoolOptions::new(c"prp list").beyond_segment_limits();
/// let pool = DmaPool::<PrpList>::new(dma, lists)?;
/// # let list = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
/// # check(list.iter().all(|entry| *entry == 0) && pool.outstanding() == 1)?;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions<'a> {
    pub(super) name: &'a CStr,
    /// Whether the segment limits do not apply to this memory.
    pub(super) beyond_segments: bool,
}

impl<'a> PoolOptions<'a> {
    /// Makes options for a pool with this name, which is for people: the device's sysfs attribute
    /// `pools` shows its first 31 bytes.
    #[inline]
    pub const fn new(name: &'a CStr) -> Self {
        Self {
            name,
            beyond_segments: false,
        }
    }

    /// Makes blocks of any size, for a device whose segment limits do not apply to this memory.
    ///
    /// See [`CoherentOptions::beyond_segment_limits`](crate::CoherentOptions::beyond_segment_limits).
    #[inline]
    pub const fn beyond_segment_limits(mut self) -> Self {
        self.beyond_segments = true;
        self
    }
}

impl<'a> From<&'a CStr> for PoolOptions<'a> {
    #[inline]
    fn from(name: &'a CStr) -> Self {
        Self::new(name)
    }
}
