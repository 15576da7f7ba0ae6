// SPDX-License-Identifier: GPL-2.0

//! IOVA ranges: a range of an IOMMU's addresses that a whole buffer is linked into.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::{
    buf::buffer::SgBuffer,
    device::DmaDevice,
    direction::Direction, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

#[cfg(CONFIG_IOMMU_DMA)]
mod imp {
    use super::*;
    use crate::{
        buf::walk,
        generic::errno::to_result,
        model::sync_attrs::UnmapAttrs,
        sys::{
            chunk::Chunk,
            linear, //
        }, //
    };
    use kernel::{
        bindings,
        page::PAGE_SIZE, //
    };

    /// The attribute that makes linking fail if it needs bounce buffers or cache maintenance.
    ///
    /// So a linked buffer is always in sync. No C function could sync a part of it.
    const COHERENT: c_ulong = bindings::DMA_ATTR_REQUIRE_COHERENT as c_ulong;

    /// A linked range of IOVAs.
    ///
    /// # Invariants
    ///
    /// `state` comes from `dma_iova_try_alloc()`. All of a buffer is linked with `attrs`, and the IOMMU
    /// is synced.
    pub(crate) struct Space {
        state: bindings::dma_iova_state,
        attrs: c_ulong,
    }

    impl Space {
        /// Links `buffer`, which must not be empty.
        ///
        /// Returns `None` if the buffer or the device is not suitable: see
        /// [`IovaMapping`](crate::IovaMapping). Then, and after an error, nothing stays allocated.
        ///
        /// # Errors
        ///
        /// - `EIO`: the IOMMU refuses.
        /// - `ENOMEM`: no memory for the IOMMU's tables.
        pub(crate) fn link<B: SgBuffer, D: Direction>(
            dev: DmaDevice<'_>,
            buffer: &B,
            attrs: c_ulong,
        ) -> Result<Option<Self>> {
            let Some(phys) = first_if_gapless(buffer, dev.merge_boundary())? else {
                return Ok(None);
            };

            let size = buffer.len();
            let mut space = Self {
                state: bindings::dma_iova_state::default(),
                attrs: attrs | COHERENT,
            };
            // SAFETY: The device is bound. The size is not 0, and fits `isize`, as the size of
            // every object does.
            if !unsafe { bindings::dma_iova_try_alloc(dev.as_raw(), &mut space.state, phys, size) }
            {
                return Ok(None);
            }

            let mut linked = 0;
            // Local copies, so that the loop keeps them in registers.
            let (raw, state, attrs) = (dev.as_raw(), &raw mut space.state, space.attrs);
            // A run is never empty: for a length of 0, the C function would link a whole granule.
            let result = walk::for_each_run(buffer, always, |run| {
                // CAST: The run is a part of the buffer, whose size is a `usize`.
                let len = run.len as usize;
                // SAFETY: The device is bound, and the space allocated. The run is memory that the
                // buffer owns and nothing accesses (safety requirements of `SgBuffer`). Each run
                // but the first starts at a granule, as `first_if_gapless` checked.
                to_result(unsafe {
                    bindings::dma_iova_link(raw, state, run.phys, linked, len, D::RAW, attrs)
                })?;
                linked = linked.wrapping_add(len);
                Ok(())
            })
            .and_then(|()| {
                // SAFETY: The device is bound, and the whole space is linked.
                to_result(unsafe {
                    bindings::dma_iova_sync(dev.as_raw(), &mut space.state, 0, size)
                })
            });

            let Err(err) = result else {
                // INVARIANT: Allocated, linked and synced above.
                return Ok(Some(space));
            };
            // SAFETY: Exactly the first `linked` bytes are linked: a link that fails undoes itself.
            // They end with a granule, or are all. No device has the addresses yet.
            unsafe { space.unlink::<D>(dev, linked) };
            match err {
                // The buffer needs a bounce buffer or cache maintenance.
                EOPNOTSUPP | EPERM => Ok(None),
                ENOMEM => Err(ENOMEM),
                _ => Err(EIO),
            }
        }

        /// Returns the address of the first byte.
        #[inline]
        pub(crate) fn address(&self) -> DmaAddress {
            self.state.addr
        }

        /// Unlinks the first `linked` bytes and frees the addresses.
        ///
        /// # Safety
        ///
        /// `dev` and `D` must be those of `link`, and exactly these bytes must be linked: all of the
        /// buffer, unless linking has failed. The device must be done, and the space must not be used
        /// again.
        #[inline]
        pub(crate) unsafe fn unlink<D: Direction>(&mut self, dev: DmaDevice<'_>, linked: usize) {
            let attrs = UnmapAttrs::IN_SYNC.with(self.attrs);
            // SAFETY: `dev` is bound. Exactly `linked` bytes are linked for it in direction `D`, and the
            // device is done (safety requirements of this function).
            unsafe {
                bindings::dma_iova_destroy(dev.as_raw(), &mut self.state, linked, D::RAW, attrs)
            };
        }
    }

    /// Allows every join, for [`walk::for_each_run`].
    #[inline(always)]
    fn always(_first: u64, _second: u64) -> bool {
        true
    }

    /// Returns the physical address of the first byte, if the buffer has no gap within the IOMMU's
    /// pages: one run ends and the next one starts at a granule.
    fn first_if_gapless<B: SgBuffer>(buffer: &B, granule_mask: u64) -> Result<Option<u64>> {
        // The device has no IOMMU, or one that does not merge.
        if granule_mask == 0 {
            return Ok(None);
        }

        // The chunks of such a buffer meet at the ends of pages.
        if buffer.page_chunks().is_some() && granule_mask < PAGE_SIZE as u64 {
            let mut first = None;
            let _ = walk::for_each_page(buffer, |page, offset, _| {
                // SAFETY: The page is valid (safety requirements of `SgBuffer`).
                first = Some(unsafe { linear::page_phys(page) } | offset as u64);
                Err(EINTR)
            });
            return Ok(first);
        }

        let mut before: Option<Chunk> = None;
        let mut first = None;
        let mut gap = false;
        walk::for_each_run(buffer, always, |run| {
            if let Some(before) = before {
                gap |= (before.end() | run.phys) & granule_mask != 0;
            }
            first = first.or(Some(run.phys));
            before = Some(run);
            Ok(())
        })?;

        Ok(first.filter(|_| !gap))
    }
}

#[cfg(not(CONFIG_IOMMU_DMA))]
mod imp {
    use super::*;

    /// A placeholder that is never created, because nothing is linked without an IOMMU.
    ///
    /// Not an empty enum: the compiler would warn of unreachable code in its users.
    pub(crate) struct Space {
        address: DmaAddress,
    }

    impl Space {
        pub(crate) fn link<B: SgBuffer, D: Direction>(
            _dev: DmaDevice<'_>,
            _buffer: &B,
            _attrs: c_ulong,
        ) -> Result<Option<Self>> {
            Ok(None)
        }

        pub(crate) fn address(&self) -> DmaAddress {
            self.address
        }

        /// # Safety
        ///
        /// None; the function is `unsafe` as its counterpart with `CONFIG_IOMMU_DMA` is.
        pub(crate) unsafe fn unlink<D: Direction>(&mut self, _dev: DmaDevice<'_>, _linked: usize) {}
    }
}

pub(crate) use imp::Space;
