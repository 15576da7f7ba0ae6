// SPDX-License-Identifier: GPL-2.0

//! Leftovers: what must stop at the end of a binding, even if its handle was leaked.
//!
//! C may call a driver's function until it is told to stop, for an interrupt for one. The handle that
//! tells it when it is dropped may be leaked. So the binding has a list of these handles, and stops what
//! is left when it ends. It does not drop what it has stopped: a leaked handle leaks what it owns, and
//! other handles may be in there.

use crate::gfp::Gfp;
use core::{
    cell::UnsafeCell,
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::prelude::*;

/// The stages in which leftovers are stopped: all of one before the first of the next.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Stage {
    /// Functions of the driver.
    Functions = 0,
    /// What those functions are called by.
    Sources = 1,
}

/// A function that stops something, with the pointer that it gets.
pub(crate) type Stop = unsafe fn(NonNull<c_void>);

/// Nobody uses the entry.
const FREE: u32 = 0;
/// The one who has set this writes the entry, or stops what is in it.
const TAKEN: u32 = 1;
/// What was in the entry is stopped.
const STOPPED: u32 = 2;
/// The entry can be stopped; plus its [`Stage`].
const LIVE: u32 = 3;

/// One thing to stop.
///
/// # Invariants
///
/// - While `state` is [`LIVE`] plus a stage, `call` is a valid call, and nobody writes to it.
/// - While `state` is [`TAKEN`], the entry belongs to the one who has set that.
/// - While `state` is [`FREE`] or [`STOPPED`], nobody uses `call`.
pub(crate) struct Entry {
    next: AtomicPtr<Entry>,
    state: AtomicU32,
    call: UnsafeCell<Option<(Stop, NonNull<c_void>)>>,
}

impl Entry {
    fn change(&self, from: u32, to: u32) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

/// The list of a binding's entries.
///
/// Free entries are used again, so it is as long as the largest number that was in use at once.
///
/// # Invariants
///
/// The entries came from `KBox::into_raw()`, and are freed by the drop of the list only.
pub(crate) struct Leftovers(AtomicPtr<Entry>);

/// An entry that is the caller's, without a call.
///
/// # Invariants
///
/// The state of the entry is [`TAKEN`] by the owner of this value. The list exists as long as this does,
/// or it is leaked.
pub(crate) struct Claimed(NonNull<Entry>);

/// An entry that is stopped at the end of the binding, unless it is [taken back](Registered::take).
///
/// # Invariants
///
/// - `state` of the entry is [`LIVE`] plus the stage; or [`TAKEN`] by the end of the binding, which calls
///   `stop`; or [`STOPPED`], after that. So one who changes it from [`LIVE`] or [`STOPPED`] has the entry
///   alone.
/// - The list exists as long as this does, or it is leaked.
pub(crate) struct Registered(NonNull<Entry>, Stage);

impl Leftovers {
    /// Makes an empty list.
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        let mut next = self.0.load(Ordering::Acquire);

        core::iter::from_fn(move || {
            // SAFETY: By the type invariants the pointers are NULL, or entries that live as long as the
            // list.
            let entry = unsafe { next.as_ref() }?;
            next = entry.next.load(Ordering::Relaxed);
            Some(entry)
        })
    }

    /// Claims an entry.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// What comes of the result must be leaked, or be gone before the list is.
    pub(crate) unsafe fn claim(&self) -> Result<Claimed> {
        if let Some(entry) = self.iter().find(|entry| entry.change(FREE, TAKEN)) {
            // INVARIANT: Taken above.
            return Ok(Claimed(NonNull::from(entry)));
        }

        let entry = KBox::new(
            Entry {
                next: AtomicPtr::new(null_mut()),
                state: AtomicU32::new(TAKEN),
                call: UnsafeCell::new(None),
            },
            Gfp::Kernel.flags(),
        )?;
        let raw = KBox::into_raw(entry);
        let mut first = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: The entry was leaked above, and only the list's drop frees it.
            unsafe { (*raw).next.store(first, Ordering::Relaxed) };
            match self
                .0
                .compare_exchange(first, raw, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(now) => first = now,
            }
        }
        // SAFETY: A box is not NULL.
        // INVARIANT: It was made as taken.
        Ok(Claimed(unsafe { NonNull::new_unchecked(raw) }))
    }

    /// Stops all that is left.
    ///
    /// `settle` waits for those who have taken an entry and are not done. A function that is not stopped
    /// yet may register more, so this repeats until nothing is left.
    ///
    /// Context: may sleep.
    pub(crate) fn stop_all(&self, settle: impl Fn()) {
        for stage in [Stage::Functions, Stage::Sources] {
            loop {
                settle();
                let mut found = false;
                for entry in self.iter() {
                    if !entry.change(LIVE + stage as u32, TAKEN) {
                        continue;
                    }
                    found = true;
                    // SAFETY: The entry was live, so it has a valid call (type invariant), which is
                    // this function's now. It is not live again, so the call is made once.
                    if let Some((stop, data)) = unsafe { *entry.call.get() } {
                        // SAFETY: The call is valid, and whoever took the entry makes it once.
                        unsafe { stop(data) };
                    }
                    entry.state.store(STOPPED, Ordering::Release);
                }
                if !found {
                    break;
                }
            }
        }
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        let mut next = *self.0.get_mut();

        while !next.is_null() {
            // SAFETY: By the type invariants it came from `KBox::into_raw()`, and only this frees it.
            let entry = unsafe { KBox::from_raw(next) };
            next = entry.next.load(Ordering::Relaxed);
        }
    }
}

impl Claimed {
    /// Lets the end of the binding call `stop(data)`.
    ///
    /// # Safety
    ///
    /// `stop(data)` must be valid to call once, in a context that may sleep, until the result is taken
    /// back or the binding has ended.
    pub(crate) unsafe fn register(
        self,
        stage: Stage,
        stop: Stop,
        data: NonNull<c_void>,
    ) -> Registered {
        let entry = self.0;
        core::mem::forget(self);

        // SAFETY: The entry is this function's (type invariant).
        unsafe {
            *entry.as_ref().call.get() = Some((stop, data));
            // INVARIANT: The call is valid (function precondition).
            entry
                .as_ref()
                .state
                .store(LIVE + stage as u32, Ordering::Release);
        }
        // INVARIANT: It is live.
        Registered(entry, stage)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        // SAFETY: The list exists (type invariant).
        // INVARIANT: The entry is given back.
        unsafe { self.0.as_ref() }
            .state
            .store(FREE, Ordering::Release);
    }
}

impl Registered {
    /// Takes the call back, or the entry if the call was made. `None` if it is being made.
    ///
    /// The result must be kept until what the call would have stopped is gone, because the end of the
    /// binding knows of nothing else to wait for then.
    #[inline]
    pub(crate) fn take(self) -> Option<Claimed> {
        // SAFETY: The list exists (type invariant).
        let entry = unsafe { self.0.as_ref() };

        // INVARIANT: Taken by this.
        (entry.change(LIVE + self.1 as u32, TAKEN) || entry.change(STOPPED, TAKEN))
            .then_some(Claimed(self.0))
    }
}

// SAFETY: The list is changed by atomic operations, and an entry belongs to the one who has taken it.
unsafe impl Send for Leftovers {}
// SAFETY: What several threads change is atomic.
unsafe impl Sync for Leftovers {}
// SAFETY: The entry that was taken is its alone, on any thread.
unsafe impl Send for Claimed {}
// SAFETY: Any thread may take an entry, by an atomic operation.
unsafe impl Send for Registered {}
// SAFETY: A shared reference gives access to nothing.
unsafe impl Sync for Registered {}
