// SPDX-License-Identifier: GPL-2.0

//! A range of an IOMMU's addresses that a whole buffer is linked into.
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

    /// No bounce buffers and no cache maintenance, or no link: so that a linked buffer is in sync
    /// at all times. There is no C function that would sync a part of it.
    const COHERENT: c_ulong = bindings::DMA_ATTR_REQUIRE_COHERENT as c_ulong;

    /// Linked addresses.
    ///
    /// # Invariants
    ///
    /// `state` comes from `dma_iova_try_alloc()`. All of its `size` bytes are linked with `attrs`,
    /// and the device's translations are up to date.
    pub(crate) struct Space {
        state: bindings::dma_iova_state,
        size: usize,
        attrs: c_ulong,
    }

    impl Space {
        /// Links `buffer`, which is not empty.
        ///
        /// `None` if the buffer or the device does not suit: see
        /// [`IovaMapping`](crate::IovaMapping). After that, and after an error, nothing is left.
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

            let mut space = Self {
                state: bindings::dma_iova_state::default(),
                size: buffer.len(),
                attrs: attrs | COHERENT,
            };
            // SAFETY: The device is bound. The size is not 0, and fits `isize`, as the size of
            // every object does.
            if !unsafe {
                bindings::dma_iova_try_alloc(dev.as_raw(), &mut space.state, phys, space.size)
            } {
                return Ok(None);
            }

            let mut linked = 0;
            // By themselves, so that the loop finds them in registers.
            let (raw, state, attrs) = (dev.as_raw(), &raw mut space.state, space.attrs);
            // A run has bytes: the C function links a whole granule where it is told of none.
            let result = walk::for_each_run(buffer, walk::always, |run| {
                // CAST: A part of the buffer, whose size is a `usize`.
                let len = run.len as usize;
                // SAFETY: The device is bound, and the space allocated. The run is memory that the
                // buffer owns and nobody accesses (safety requirements of `SgBuffer`). Each run
                // but the first starts at a granule, as `first_if_gapless` saw.
                to_result(unsafe {
                    bindings::dma_iova_link(raw, state, run.phys, linked, len, D::RAW, attrs)
                })?;
                linked = linked.wrapping_add(len);
                Ok(())
            })
            .and_then(|()| {
                // SAFETY: The whole space is linked. The one sync, for all of it.
                to_result(unsafe {
                    bindings::dma_iova_sync(dev.as_raw(), &mut space.state, 0, space.size)
                })
            });

            let Err(err) = result else {
                // INVARIANT: Allocated, linked and synced above.
                return Ok(Some(space));
            };
            // SAFETY: The first `linked` bytes are linked, and no more: a link that fails has taken
            // back its own. They end with a granule, or are all. Nobody knows the addresses.
            unsafe { space.destroy::<D>(dev, linked) };
            match err {
                // It takes a bounce buffer or cache maintenance.
                EOPNOTSUPP | EPERM => Ok(None),
                ENOMEM => Err(ENOMEM),
                _ => Err(EIO),
            }
        }

        /// The address of the first byte.
        #[inline]
        pub(crate) fn address(&self) -> DmaAddress {
            self.state.addr
        }

        /// Unlinks everything and frees the addresses.
        ///
        /// # Safety
        ///
        /// `dev` and `D` must be those of `link`, and the device must be done. The space must not
        /// be used again.
        #[inline]
        pub(crate) unsafe fn unlink<D: Direction>(&mut self, dev: DmaDevice<'_>) {
            // SAFETY: By the safety requirements of this function, and the type invariants.
            unsafe { self.destroy::<D>(dev, self.size) };
        }

        /// Unlinks the first `linked` bytes and frees the addresses.
        ///
        /// # Safety
        ///
        /// As [`unlink`](Self::unlink), and just `linked` bytes must be linked.
        unsafe fn destroy<D: Direction>(&mut self, dev: DmaDevice<'_>, linked: usize) {
            let attrs = UnmapAttrs::IN_SYNC.with(self.attrs);
            // SAFETY: By the safety requirements of this function.
            unsafe {
                bindings::dma_iova_destroy(dev.as_raw(), &mut self.state, linked, D::RAW, attrs)
            };
        }
    }

    /// Returns the physical address of the first byte, if the buffer leaves no gap in an IOMMU's
    /// pages: if the runs within it start and end at a granule.
    fn first_if_gapless<B: SgBuffer>(buffer: &B, granule_mask: u64) -> Result<Option<u64>> {
        // The device has no IOMMU, or one that does not join.
        if granule_mask == 0 {
            return Ok(None);
        }

        // Between two chunks of such a buffer there is the end of a page.
        if buffer.page_chunks().is_some() && granule_mask < PAGE_SIZE as u64 {
            let mut first = None;
            let _ = walk::for_each_page(buffer, |page, offset, _| {
                // SAFETY: The page is one of the buffer's.
                first = Some(unsafe { linear::page_phys(page) } | offset as u64);
                Err(EINTR)
            });
            return Ok(first);
        }

        let mut before: Option<Chunk> = None;
        let mut first = None;
        let mut gap = false;
        walk::for_each_run(buffer, walk::always, |run| {
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

    /// There are no such addresses. Not an empty enum: the compiler would rightly call half of the
    /// code that uses it unreachable.
    #[expect(dead_code, reason = "never made")]
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
        /// As its twin's.
        pub(crate) unsafe fn unlink<D: Direction>(&mut self, _dev: DmaDevice<'_>) {}
    }
}

pub(crate) use imp::Space;
