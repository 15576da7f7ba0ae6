// SPDX-License-Identifier: GPL-2.0

//! [`Once`]: who sets it, what is read, and what is dropped.

use crate::check::*;
use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use dma_map::once::Once;
use kernel::prelude::*;

/// Counts drops.
struct Counted<'a>(&'a AtomicU32, u32);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[kunit_tests(dma_map_once)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_before_it_is_set() -> Result {
        let once = Once::<u32>::default();
        check!(once.as_ref().is_none());
        check!(once.populate(1));
        check_eq!(once.as_ref(), Some(&1));
        Ok(())
    }

    #[test]
    fn the_first_value_stays() -> Result {
        let drops = AtomicU32::new(0);
        let once = Once::new();
        check!(once.populate(Counted(&drops, 1)));
        check!(!once.populate(Counted(&drops, 2)));
        // The second one.
        check_eq!(drops.load(Relaxed), 1);
        check_eq!(once.as_ref().map(|value| value.1), Some(1));
        Ok(())
    }

    #[test]
    fn a_value_is_dropped_once() -> Result {
        let drops = AtomicU32::new(0);
        drop(Once::<Counted<'_>>::new());
        check_eq!(drops.load(Relaxed), 0);
        let once = Once::new();
        check!(once.populate(Counted(&drops, 1)));
        drop(once);
        check_eq!(drops.load(Relaxed), 1);
        Ok(())
    }
}
