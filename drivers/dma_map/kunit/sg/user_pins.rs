// SPDX-License-Identifier: GPL-2.0

//! Pins of [`UserPages`]: what cannot be pinned, and when pins end.

use super::{
    user::{
        pin_dest,
        pin_source, //
    },
    *, //
};
use crate::{
    c,
    context,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*,
    user_memory::{
        with_kernel_source,
        UserMemory,
        Vector, //
    }, //
};
use dma_map::{
    FromDevice,
    SgList,
    UserPages, //
};

#[kunit_tests(dma_map_sg_user_pins)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_cannot_be_had_is_efault() -> Result {
        let gone = UserMemory::new(2)?;
        gone.unmap_from(0)?;
        check_err!(pin_source(&gone, 0, 1).map(|_| ()), EFAULT);
        check_err!(pin_dest(&gone, 10, 5000).map(|_| ()), EFAULT);

        let text = UserMemory::read_only(2)?;
        check_eq!(pin_source(&text, 0, 5000)?.len(), 5000);
        check_err!(pin_dest(&text, 0, 5000).map(|_| ()), EFAULT);

        // Behind the end of user space.
        let mut vector = Vector::source(&[(1 << 63, 100)])?;
        check_err!(
            UserPages::from_source(vector.as_source(), 100).map(|_| ()),
            EFAULT
        );
        Ok(())
    }

    #[test]
    fn failure_halfway_pins_nothing() -> Result {
        let memory = UserMemory::new(4)?;
        memory.fill(1)?;
        memory.unmap_from(2)?;
        let len = 3 * PAGE_SIZE;
        let mut vector = Vector::dest(&[(memory.at(100), len)])?;
        check_err!(
            SgList::from_dest(vector.as_dest(), len, Gfp::Kernel).map(|_| ()),
            EFAULT
        );
        check_eq!(vector.as_dest().len(), len);
        check!(!c::is_pinned(memory.at(0))? && !c::is_pinned(memory.at(PAGE_SIZE))?);

        // One piece is what there is.
        let piece = UserPages::from_dest(vector.as_dest(), len)?;
        check_eq!(piece.len(), 2 * PAGE_SIZE - 100);
        check!(c::is_pinned(memory.at(PAGE_SIZE))?);
        check_err!(
            UserPages::from_dest(vector.as_dest(), len).map(|_| ()),
            EFAULT
        );
        Ok(())
    }

    #[test]
    fn wrong_lengths_are_einval() -> Result {
        let memory = UserMemory::new(1)?;
        let mut vector = Vector::source(&[(memory.at(0), 10)])?;
        let source = vector.as_source();
        check_err!(UserPages::from_source(source, 0).map(|_| ()), EINVAL);
        check_err!(
            SgList::from_source(source, 0, Gfp::Kernel).map(|_| ()),
            EINVAL
        );
        check_err!(
            SgList::from_source(source, 11, Gfp::Kernel).map(|_| ()),
            EINVAL
        );
        check_eq!(source.len(), 10);
        // A bound, and not a demand.
        check_eq!(UserPages::from_source(source, usize::MAX)?.len(), 10);
        check_err!(UserPages::from_source(source, 1).map(|_| ()), EINVAL);
        Ok(())
    }

    #[test]
    fn kernel_memory_is_not_user_memory() -> Result {
        let mut data = KVec::<u8>::sample(100, 1)?;
        with_kernel_source(&mut data, |source| {
            check_err!(UserPages::from_source(source, 100).map(|_| ()), EOPNOTSUPP);
            check_eq!(source.len(), 100);
            Ok(())
        })
    }

    #[test]
    fn pages_are_unpinned_after_a_drop_in_atomic_context() -> Result {
        let memory = UserMemory::new(4)?;
        memory.fill(1)?;
        each(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let pages = pin_dest(&memory, 0, 100)?;
                context::spinlocked(|| drop(pages));
                let pages = pin_source(&memory, PAGE_SIZE, 100)?;
                context::hard_irq(|| drop(pages))?;

                let pages = pin_dest(&memory, 2 * PAGE_SIZE, 100)?;
                let mapping = map_sg(dma, pages, FromDevice, Idle)?;
                context::irqs_off(|| drop(mapping));
                check_eq!(dma.quarantined(), 0);
                Ok(())
            })?;
            dev.unbind();
            for page in 0..3 {
                check!(!c::is_pinned(memory.at(page * PAGE_SIZE))?, "page {page}");
            }
            Ok(())
        })
    }

    #[test]
    fn busy_device_keeps_its_pages_pinned() -> Result {
        let memory = UserMemory::new(1)?;
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let pages = pin_dest(&memory, 0, 100)?;
            let mapping = map_sg(dma, pages, FromDevice, &engine)?;
            let busy = match mapping.unmap() {
                Ok(_) => return Err(EINVAL),
                Err(busy) => busy.0,
            };
            check!(c::is_pinned(memory.at(0))?);
            drop(busy);
            check_eq!(engine.stopped(), 1);
            check!(!c::is_pinned(memory.at(0))?);
            Ok(())
        })
    }
}
