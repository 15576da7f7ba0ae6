// SPDX-License-Identifier: GPL-2.0

//! Options of a streaming mapping.

use kernel::{
    bindings,
    prelude::*, //
};

/// Options of a mapping, beyond the direction.
///
/// These are the attributes of the C API that a driver can decide on. The types of this crate handle
/// the others:
///
/// - `DMA_ATTR_NO_WARN` is always set: a failure is an error, and not a line in the log.
/// - `DMA_ATTR_SKIP_CPU_SYNC` is set where it loses no data: mapping a buffer for the CPU
///   ([`map_cpu`](crate::DmaMapping::map_cpu)), unmapping one that is in sync, and dropping one that
///   will not be read.
/// - `DMA_ATTR_MMIO` is for [`MmioMapping`](crate::mapping::MmioMapping).
/// - `DMA_ATTR_CC_SHARED` needs decrypted memory, and the rest are for allocations.
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
    /// Returns the default options.
    #[inline]
    pub const fn new() -> Self {
        Self { attrs: 0 }
    }

    /// Allows the device's accesses to pass each other (`DMA_ATTR_WEAK_ORDERING`), where the
    /// platform has a choice.
    ///
    /// The driver must not rely on the order to detect that the device is done.
    #[inline]
    pub const fn weak_ordering(self) -> Self {
        self.with(bindings::DMA_ATTR_WEAK_ORDERING)
    }

    /// Makes the memory accessible at the device's privileged level (`DMA_ATTR_PRIVILEGED`), if the
    /// IOMMU has one.
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

    /// Returns the attributes as the C API takes them.
    #[inline]
    pub(crate) const fn attrs(self) -> c_ulong {
        // CAST: `unsigned long` has at least 32 bits.
        self.attrs as c_ulong
    }
}
