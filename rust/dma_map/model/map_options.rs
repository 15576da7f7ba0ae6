// SPDX-License-Identifier: GPL-2.0

//! What a driver may ask of a streaming mapping.

use kernel::{
    bindings,
    prelude::*, //
};

/// What a driver asks of a mapping, beyond the direction.
///
/// These are the attributes of the C API that a driver can decide on. Of the others, the types of
/// this crate take care:
///
/// - `DMA_ATTR_NO_WARN` is always set: a failure is an error, and not a line in the log.
/// - `DMA_ATTR_SKIP_CPU_SYNC` is set where no data is lost by it: mapping a buffer for the CPU
///   ([`map_cpu`](crate::DmaMapping::map_cpu)), unmapping one that is in sync, and dropping one that
///   nobody will read.
/// - `DMA_ATTR_MMIO` is for [`MmioMapping`](crate::mapping::MmioMapping).
/// - `DMA_ATTR_CC_SHARED` needs memory that was decrypted, and the rest are for allocations.
///
/// # Examples
///
/// ```ignore
/// const IN_PLACE: MapOptions = MapOptions::new().require_coherent();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MapOptions {
    attrs: u32,
}

impl MapOptions {
    /// Asks for nothing in particular.
    #[inline]
    pub const fn new() -> Self {
        Self { attrs: 0 }
    }

    /// Allows the device's accesses to pass each other (`DMA_ATTR_WEAK_ORDERING`), where the
    /// platform has a choice.
    ///
    /// How the device tells that it is done must not rely on the order then.
    #[inline]
    pub const fn weak_ordering(self) -> Self {
        self.with(bindings::DMA_ATTR_WEAK_ORDERING)
    }

    /// Makes the memory accessible at the device's privileged level (`DMA_ATTR_PRIVILEGED`), where
    /// the IOMMU knows of one.
    #[inline]
    pub const fn privileged(self) -> Self {
        self.with(bindings::DMA_ATTR_PRIVILEGED)
    }

    /// Refuses to bounce or to maintain caches (`DMA_ATTR_REQUIRE_COHERENT`): the device accesses
    /// the buffer itself, coherently, or mapping fails.
    #[inline]
    pub const fn require_coherent(self) -> Self {
        self.with(bindings::DMA_ATTR_REQUIRE_COHERENT)
    }

    const fn with(self, attr: u32) -> Self {
        Self {
            attrs: self.attrs | attr,
        }
    }

    /// The attributes as the C API takes them.
    #[inline]
    pub(crate) const fn attrs(self) -> c_ulong {
        // CAST: `unsigned long` has at least 32 bits.
        self.attrs as c_ulong
    }
}
