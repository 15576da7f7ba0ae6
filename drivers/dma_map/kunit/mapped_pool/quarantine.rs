// SPDX-License-Identifier: GPL-2.0

//! Quarantine of pool buffers: devices that cannot be stopped.

use super::*;
use crate::{
    c,
    engines::Scripted,
    fixture::*, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE, //
};

/// The page that a buffer is in, by both of its addresses.
struct Page {
    page: *mut bindings::page,
    dma: DmaAddress,
}

impl Page {
    fn of(buffer: &Buffer<'_>) -> Self {
        Self {
            page: c::virt_to_page(buffer.as_slice().as_ptr()),
            dma: address(buffer) & !(PAGE_SIZE as u64 - 1),
        }
    }

    /// Frees what the library has leaked, unless it does so at unbind.
    ///
    /// # Safety
    ///
    /// It must have leaked the page, which nobody must use any more.
    unsafe fn free(self, probe: &Probe<'_, '_>) {
        if probe.gives_back() {
            return;
        }
        // SAFETY: By the safety requirements of this function. The arguments are those of the
        // allocation.
        unsafe {
            bindings::dma_free_pages(
                probe.raw(),
                PAGE_SIZE,
                self.page,
                self.dma,
                bindings::dma_data_direction::DMA_BIDIRECTIONAL,
            )
        };
    }
}

#[kunit_tests(dma_map_mapped_pool_quarantine)]
mod tests {
    use super::*;

    #[test]
    fn stuck_device_keeps_its_buffer() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LARGE)?;
            let engine = Scripted::stuck();
            let pool = pool(dma, 1800, MappedPoolOptions::new(6))?;
            let buffer = pool.take()?;
            let page = Page::of(&buffer);
            let buffer = refused(buffer.give(&engine).cancel())?;
            let at = buffer.dma_address();
            check_eq!(engine.stopped(), 1);
            drop(buffer);
            check_eq!(engine.stopped(), 2);
            check_eq!(dma.quarantined(), 1800);
            check_eq!(pool.stats().quarantined, 1);

            // The device goes on, in memory that nobody gets.
            let mut others = several(&pool, 5)?;
            check_err!(pool.take(), EBUSY);
            for buffer in others.iter_mut() {
                write(buffer, 1);
            }
            device_side::fill_at(dma, at, 1800, 2)?;
            check!(others.iter().all(|buffer| holds(buffer, 1)));
            drop(others);
            check_eq!(pool.stats().in_use, 0);

            // What shares its page stays with it, and the rest does not.
            drop(pool);
            check_eq!(dma.quarantined(), 2 * 1800);
            device_side::fill_at(dma, at, 1800, 3)?;
            check!(c::dma_to_phys(probe.device(), at) != 0);
            // SAFETY: The page is leaked, and the device is of this case.
            unsafe { page.free(probe) };
            Ok(())
        })
    }

    #[test]
    fn buffer_that_is_left_last_frees_the_others() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LARGE)?;
            let engine = Scripted::stuck();
            let pool = pool(dma, 4096, MappedPoolOptions::new(3))?;
            let (one, two) = (pool.take()?, pool.take()?);
            let (page, other) = (Page::of(&one), address(&two));
            let one = one.give(&engine);
            drop(pool);
            drop(two);
            check!(c::dma_to_phys(probe.device(), other) != 0);
            context::hard_irq(|| drop(one))?;
            check_eq!(dma.quarantined(), 4096);
            // SAFETY: The page is leaked, and the device is of this case.
            unsafe { page.free(probe) };
            Ok(())
        })
    }
}
