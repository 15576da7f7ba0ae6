// SPDX-License-Identifier: GPL-2.0

//! [`PageList`]: zeroed pages, and copies in and out.

use super::*;
use crate::{
    context,
    faults,
    fixture::*, //
};

#[kunit_tests(dma_map_page_list)]
mod tests {
    use super::*;

    /// A page list of three pages that holds the pattern 1.
    fn three() -> Result<PageList> {
        PageList::sample(3 * PAGE_SIZE, 1)
    }

    #[test]
    fn pages_are_counted() -> Result {
        for count in [0, 1, 2, 3, 100] {
            let pages = PageList::zeroed(count, Gfp::Kernel)?;
            check_eq!(pages.page_count(), count);
            check_eq!(pages.len(), count * PAGE_SIZE);
            check_eq!(pages.is_empty(), count == 0);
        }
        Ok(())
    }

    #[test]
    fn pages_are_zero() -> Result {
        for _ in 0..4 {
            // Some that were written to before are among them.
            drop(PageList::sample(20 * PAGE_SIZE, 0xa5)?);
            let pages = PageList::zeroed(20, Gfp::Kernel)?;
            let mut data = VVec::from_elem(1, 20 * PAGE_SIZE, GFP_KERNEL)?;
            pages.read(0, &mut data)?;
            check!(data.iter().all(|byte| *byte == 0));
        }
        Ok(())
    }

    #[test]
    fn ranges_are_copied_across_pages() -> Result {
        let mut pages = three()?;
        for (offset, len) in [
            (0, 1),
            (0, PAGE_SIZE),
            (0, 3 * PAGE_SIZE),
            (1, PAGE_SIZE),
            (PAGE_SIZE - 1, 1),
            (PAGE_SIZE - 1, 2),
            (PAGE_SIZE, 1),
            (PAGE_SIZE - 1, PAGE_SIZE + 2),
            (3 * PAGE_SIZE - 1, 1),
        ] {
            let mut data = VVec::from_elem(0, len, GFP_KERNEL)?;
            pages.read(offset, &mut data)?;
            check!(pattern::holds(&data, 1, offset));

            data.fill(0xee);
            pages.write(offset, &data)?;
            data.fill(0);
            pages.read(offset, &mut data)?;
            check!(data.iter().all(|byte| *byte == 0xee));

            // Nothing but the range has changed.
            pattern::fill(&mut data, 1, offset);
            pages.write(offset, &data)?;
            check!(pages.holds(1), "{len} bytes at {offset}");
        }
        Ok(())
    }

    #[test]
    fn empty_range_is_fine_anywhere_inside() -> Result {
        let mut pages = three()?;
        for offset in [0, 1, PAGE_SIZE, 3 * PAGE_SIZE] {
            pages.read(offset, &mut [])?;
            pages.write(offset, &[])?;
        }
        check_err!(pages.read(3 * PAGE_SIZE + 1, &mut []), EINVAL);
        check_err!(pages.write(usize::MAX, &[]), EINVAL);
        Ok(())
    }

    #[test]
    fn range_beyond_the_end_is_einval_and_changes_nothing() -> Result {
        let mut pages = three()?;
        for (offset, len) in [
            (3 * PAGE_SIZE, 1),
            (3 * PAGE_SIZE - 1, 2),
            (0, 3 * PAGE_SIZE + 1),
            (2 * PAGE_SIZE, PAGE_SIZE + 1),
            (usize::MAX, 1),
            (usize::MAX - 1, 4),
            (usize::MAX - PAGE_SIZE, 2 * PAGE_SIZE),
        ] {
            let mut data = VVec::from_elem(0xee, len, GFP_KERNEL)?;
            check_err!(pages.write(offset, &data), EINVAL);
            check!(pages.holds(1), "{len} bytes at {offset} were written");
            check_err!(pages.read(offset, &mut data), EINVAL);
            check!(data.iter().all(|byte| *byte == 0xee));
        }
        Ok(())
    }

    #[test]
    fn list_without_pages_has_nothing() -> Result {
        let mut pages = PageList::zeroed(0, Gfp::Kernel)?;
        pages.read(0, &mut [])?;
        pages.write(0, &[])?;
        check_err!(pages.read(0, &mut [0]), EINVAL);
        check_err!(pages.write(0, &[0]), EINVAL);
        Ok(())
    }

    #[test]
    fn more_pages_than_there_are_is_enomem_and_says_nothing() -> Result {
        for gfp in [Gfp::Kernel, Gfp::Atomic, Gfp::Nowait] {
            for count in [1 << 21, 1 << 28, 1 << 32, 1 << 60, 1 << 61, usize::MAX] {
                check_err!(PageList::zeroed(count, gfp), ENOMEM);
            }
        }
        Ok(())
    }

    #[test]
    fn allocation_that_fails_is_enomem() -> Result {
        match faults::failing(1, || PageList::zeroed(3, Gfp::Nowait)) {
            None => skip(c"no fault injection"),
            Some((result, failed)) => {
                check!(failed);
                check_err!(result, ENOMEM);
            }
        }
        Ok(())
    }

    #[test]
    fn allocation_that_may_sleep_and_fails_is_enomem() -> Result {
        faults::each_is_enomem(|| PageList::zeroed(3, Gfp::Kernel))
    }

    #[test]
    fn lists_are_made_used_and_dropped_in_atomic_context() -> Result {
        for gfp in [Gfp::Atomic, Gfp::Nowait] {
            context::each_atomic(&mut || {
                let mut pages = PageList::zeroed(3, gfp)?;
                pages.write(PAGE_SIZE - 1, b"some")?;
                let mut data = [0; 4];
                pages.read(PAGE_SIZE - 1, &mut data)?;
                check_eq!(data, *b"some");
                Ok(())
            })?;
        }
        Ok(())
    }
}
