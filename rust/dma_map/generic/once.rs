// SPDX-License-Identifier: GPL-2.0

//! Values that are set once, and read on fast paths.

use core::{
    cell::UnsafeCell,
    mem::MaybeUninit,
    sync::atomic::{
        AtomicU8,
        Ordering, //
    }, //
};

/// Nobody has set the value.
const EMPTY: u8 = 0;
/// Somebody is about to.
const BEING_SET: u8 = 1;
/// The value is there, for good.
const SET: u8 = 2;

/// A value that is set once.
///
/// As `SetOnce` of the `kernel` crate, whose reads are calls of C where the kernel does not inline its
/// helpers for Rust, as on Debian's. A read of this is a load and a comparison.
///
/// # Invariants
///
/// - `state` goes from `EMPTY` to `BEING_SET` to `SET`, and never back.
/// - Who has made it `BEING_SET` may write `value`, until it is `SET`. From then on `value` is initialised,
///   and only read, until this is dropped.
pub struct Once<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: A shared reference takes a value from any thread, which needs `Send`, and hands out references
// to it, which needs `Sync`. The state orders the two.
unsafe impl<T: Send + Sync> Sync for Once<T> {}

impl<T> Once<T> {
    /// Returns one without a value.
    pub const fn new() -> Self {
        // INVARIANT: There is no value.
        Self {
            state: AtomicU8::new(EMPTY),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Sets the value. If there is one, or another caller is about to set it, this returns `false`, and
    /// drops the new value.
    ///
    /// Context: any.
    pub fn populate(&self, value: T) -> bool {
        let mine =
            self.state
                .compare_exchange(EMPTY, BEING_SET, Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_err() {
            return false;
        }
        // SAFETY: The state is `BEING_SET`, and was made so here: nobody else writes or reads the value (type
        // invariants).
        unsafe { (*self.value.get()).write(value) };
        // INVARIANT: The value was initialised above.
        self.state.store(SET, Ordering::Release);
        true
    }

    /// Returns the value, if it was set.
    ///
    /// Context: any.
    #[inline(always)]
    pub fn as_ref(&self) -> Option<&T> {
        if self.state.load(Ordering::Acquire) != SET {
            return None;
        }
        // SAFETY: The value is initialised, and only read as long as this is borrowed (type invariants).
        Some(unsafe { (*self.value.get()).assume_init_ref() })
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Once<T> {
    fn drop(&mut self) {
        if *self.state.get_mut() == SET {
            // SAFETY: The value is initialised (type invariants), and not used again.
            unsafe { self.value.get_mut().assume_init_drop() };
        }
    }
}
