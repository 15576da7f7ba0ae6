// SPDX-License-Identifier: GPL-2.0

//! What a pool is called, and which limits hold for its blocks.

use kernel::prelude::*;

/// The name of a pool, and what is asked of it beyond the layout of its blocks.
///
/// Every constructor of a pool takes something that becomes this: a name alone, or options that were
/// built from one.
///
/// # Examples
///
/// ```ignore
/// # type PrpList = [u64; 512];
/// let lists = PoolOptions::new(c"prp list").beyond_segment_limits();
/// let pool = DmaPool::<PrpList>::new(dma, lists)?;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions<'a> {
    pub(super) name: &'a CStr,
    /// Whether the limits of segments are those of other memory.
    pub(super) beyond_segments: bool,
}

impl<'a> PoolOptions<'a> {
    /// A pool of this name, which is for people: it stands in the device's sysfs attribute `pools`,
    /// cut after 31 bytes.
    #[inline]
    pub const fn new(name: &'a CStr) -> Self {
        Self {
            name,
            beyond_segments: false,
        }
    }

    /// Makes blocks of any size, for a device whose limits of segments are not those of this memory.
    ///
    /// See [`CoherentOptions::beyond_segment_limits`](crate::CoherentOptions::beyond_segment_limits).
    #[inline]
    pub const fn beyond_segment_limits(self) -> Self {
        Self {
            beyond_segments: true,
            ..self
        }
    }
}

impl<'a> From<&'a CStr> for PoolOptions<'a> {
    #[inline]
    fn from(name: &'a CStr) -> Self {
        Self::new(name)
    }
}
