// SPDX-License-Identifier: GPL-2.0

//! [`Mmap`] without a process. The guest's test `mmap` has one.

mod stuck;

use crate::{
    c,
    check::*,
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaCoherent,
    DmaNoncontiguous,
    DmaPages,
    Gfp,
    Mmap, //
};
use kernel::{
    bindings,
    io::{
        io_read,
        io_write, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

#[kunit_tests(dma_map_mmap)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_page_are_refused_and_come_back() -> Result {
        each_dma(ALL, |dma| {
            for size in [1, PAGE_SIZE - 1, PAGE_SIZE + 1] {
                let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel)?;
                let Err(failed) = Mmap::new(memory.give(Idle)) else {
                    return Err(EINVAL);
                };
                check_eq!(failed.error, EINVAL);
                check_eq!(failed.buffer.size(), size);

                let pages = DmaPages::<u8, _>::alloc(dma, size, Bidirectional, Gfp::Kernel)?;
                check_err!(Mmap::new(pages.give(Idle)), EINVAL);
            }
            Ok(())
        })
    }

    #[test]
    fn the_handle_behind_it_can_be_used() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<[u32]>::zeroed_slice(dma, PAGE_SIZE / 4, Gfp::Kernel)?;
            let mut memory = Mmap::new(memory.give(Idle))?;
            io_write!(&memory, [try: 3], 0x0403_0201);
            let mut found = [0; 4];
            device_side::read(dma, memory.dma_address() + 12, &mut found)?;
            check_eq!(found, [1, 2, 3, 4]);
            memory.revoke()?;
            check_eq!(io_read!(&memory, [try: 3]), 0x0403_0201);
            Ok(())
        })
    }

    #[test]
    fn memory_for_streaming_is_synced_for_processes() -> Result {
        each_dma(ALL, |dma| {
            let pages = DmaPages::<u8, _>::alloc(dma, PAGE_SIZE, Bidirectional, Gfp::Kernel)?;
            let pages = Mmap::new(pages.give(Idle))?;
            let other = DmaNoncontiguous::<u8, _>::alloc(dma, 2 * PAGE_SIZE, Bidirectional)?;
            let other = Mmap::new(other.give(Idle))?;
            device_side::write(dma, pages.dma_address(), &[1])?;
            device_side::write(dma, other.dma_address(), &[1])?;
            pages.sync_for_cpu();
            other.sync_for_cpu();
            pages.sync_for_device();
            other.sync_for_device();
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/Mmap
    #[test]
    fn drop_frees_in_any_context() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            for i in 0..8 {
                engine.start();
                let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, PAGE_SIZE, Gfp::Kernel)?;
                let memory = Mmap::new(memory.give(&engine))?;
                let pages = DmaPages::<u8, _>::alloc(dma, PAGE_SIZE, Bidirectional, Gfp::Kernel)?;
                let pages = Mmap::new(pages.give(&engine))?;
                match i % 4 {
                    0 => drop((memory, pages)),
                    1 => context::spinlocked(|| drop((memory, pages))),
                    2 => context::irqs_off(|| drop((memory, pages))).0,
                    _ => context::hard_irq(|| drop((memory, pages)))?,
                }
                check_eq!(engine.stopped(), i + 1);
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn stuck_device_quarantines_the_memory() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for atomic in [false, true] {
                let engine = Scripted::stuck();
                let before = dma.quarantined();
                let pages = DmaPages::<u8, _>::alloc(dma, PAGE_SIZE, Bidirectional, Gfp::Kernel)?;
                let page = c::virt_to_page(pages.as_slice().as_ptr());
                let pages = Mmap::new(pages.give(&engine))?;
                let address = pages.dma_address();
                if atomic {
                    context::irqs_off(|| drop(pages));
                } else {
                    drop(pages);
                }
                check_eq!(dma.quarantined(), before + PAGE_SIZE);
                device_side::write(dma, address, &[1])?;
                if probe.gives_back() {
                    continue;
                }
                // SAFETY: The arguments are those of the allocation, whose handle is gone.
                unsafe {
                    bindings::dma_free_pages(
                        probe.raw(),
                        PAGE_SIZE,
                        page,
                        address,
                        bindings::dma_data_direction::DMA_BIDIRECTIONAL,
                    )
                };
            }
            Ok(())
        })
    }
}
