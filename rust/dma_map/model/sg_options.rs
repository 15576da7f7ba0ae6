// SPDX-License-Identifier: GPL-2.0

//! Options of the mapping of a scattered buffer.

use super::map_options::MapOptions;
use crate::gfp::Gfp;
use kernel::{
    bindings,
    prelude::*, //
};

/// The allocation flags for the mapping's own memory, and the options of the mapping.
///
/// A [`Gfp`] alone converts into it, with the default options.
///
/// # Examples
///
/// ```ignore,run
/// # let buffer = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
/// let options = SgOptions::new(Gfp::Kernel).map(MapOptions::new().weak_ordering());
/// let mapping = SgMapping::map(dma, buffer, ToDevice, engine, options)?;
/// # check(mapping.size() == 10_000 && mapping.unmap()?.len() == 10_000)?;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SgOptions {
    pub(crate) gfp: Gfp,
    pub(crate) map: MapOptions,
}

impl SgOptions {
    /// Returns the default options, with the allocation flags `gfp`.
    #[inline]
    pub const fn new(gfp: Gfp) -> Self {
        Self {
            gfp,
            map: MapOptions::new(),
        }
    }

    /// Sets the options of the mapping, for all its segments.
    #[inline]
    pub const fn map(mut self, options: MapOptions) -> Self {
        self.map = options;
        self
    }

    /// Returns whether the device must access the buffer itself, coherently.
    #[inline]
    pub(crate) const fn is_coherent(self) -> bool {
        // CAST: An attribute is a bit of an `unsigned long`.
        self.attrs() & bindings::DMA_ATTR_REQUIRE_COHERENT as c_ulong != 0
    }

    /// Returns the attributes as the C API takes them.
    #[inline]
    pub(crate) const fn attrs(self) -> c_ulong {
        self.map.attrs()
    }
}

impl From<Gfp> for SgOptions {
    #[inline]
    fn from(gfp: Gfp) -> Self {
        Self::new(gfp)
    }
}
