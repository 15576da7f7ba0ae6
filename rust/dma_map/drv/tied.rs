// SPDX-License-Identifier: GPL-2.0

//! Values that end with the binding at the latest: dropped with their handle, or stopped if that is
//! leaked.

use super::scope::Scope;
use crate::{
    generic::variance::Invariant,
    gfp::Gfp,
    sys::{
        deferral::{
            Job,
            Task, //
        },
        ffi,
        leftovers::{
            Claimed,
            Registered,
            Stage, //
        }, //
    },
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// A value with something that must stop at the end of the binding.
pub(super) trait Stops: Send {
    /// The stage in which it is stopped, of all that is left.
    const STAGE: Stage;

    /// Stops it, once and for all. What was begun does not use the value afterwards.
    ///
    /// Called before the value is dropped, and by the end of the binding if its handle was leaked. A second
    /// call does nothing. Context: may sleep.
    fn stop(&self);

    /// Returns whether the caller is code that the drop would wait for.
    fn is_inside(&self) -> bool;
}

/// The value, and what its end needs.
///
/// The functions are those of [`Stops`], so that no type that holds a handle needs that bound. A value may
/// then be of a type that holds a handle of its own type.
///
/// # Invariants
///
/// The functions take a pointer to this `Body<T>`.
struct Body<T> {
    is_inside: unsafe fn(NonNull<c_void>) -> bool,
    end: Task,
    value: T,
    // Dropped after the value.
    claimed: Option<Claimed>,
}

/// The handle of a value.
///
/// Where the value may not be dropped, because that sleeps, or because the caller is what it would wait
/// for, a workqueue drops it. The end of the binding waits for that.
///
/// # Invariants
///
/// - `body` came from `KBox::into_raw()`, and is this handle's while `registered` is not taken.
/// - `registered` and `job` are there until the drop.
pub(super) struct Tied<'bound, T> {
    body: NonNull<Body<T>>,
    registered: Option<Registered>,
    job: Option<Pin<KBox<Job>>>,
    scope: Scope<'bound>,
    _bound: Invariant<'bound>,
}

impl<'bound, T: Stops + 'bound> Tied<'bound, T> {
    /// Makes a handle of `value`, and calls `begin` with the value in its place.
    ///
    /// If `begin` fails, it must have begun nothing, and the value is dropped. From then on what was begun may
    /// use the value: there is no exclusive reference to it before it is [stopped](Stops::stop).
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of `begin`, and `ENOMEM`.
    pub(super) fn new(
        scope: Scope<'bound>,
        value: T,
        begin: impl FnOnce(&T) -> Result,
    ) -> Result<Self> {
        let job = Job::new(Gfp::Kernel)?;
        // SAFETY: What comes of it is in this handle, which is gone before the binding ends, or leaked
        // (invariant of `Scope`).
        let claimed = unsafe { scope.dma().binding().leftovers().claim() }?;
        let body = KBox::new(
            // INVARIANT: They are those of `T`.
            Body {
                is_inside: is_inside::<T>,
                end: end::<T>,
                value,
                claimed: None,
            },
            Gfp::Kernel.flags(),
        )?;
        let raw = KBox::into_raw(body);
        // SAFETY: The body was leaked above. References to it are shared.
        begin(unsafe { &(*raw).value }).inspect_err(|_| {
            // SAFETY: It came from `into_raw()`, and nothing was begun that could use it.
            drop(unsafe { KBox::from_raw(raw) });
        })?;
        // SAFETY: A box is not NULL.
        let body = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: The value is not dropped unless the call is taken back before. `T` is valid until the
        // end of the binding has stopped it (invariant of `Scope`).
        let registered = unsafe { claimed.register(T::STAGE, stop::<T>, body.cast()) };
        // INVARIANT: Leaked and registered above.
        Ok(Self {
            body,
            registered: Some(registered),
            job: Some(job),
            scope,
            _bound: PhantomData,
        })
    }
}

impl<T> Deref for Tied<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariants the body is not freed before the drop, and nobody has it
        // exclusively.
        unsafe { &self.body.as_ref().value }
    }
}

/// # Safety
///
/// `body` must be a `Body<T>` that is not freed.
unsafe fn stop<T: Stops>(body: NonNull<c_void>) {
    // SAFETY: By the precondition of this function.
    unsafe { body.cast::<Body<T>>().as_ref() }.value.stop();
}

/// # Safety
///
/// `body` must be a `Body<T>` that is not freed.
unsafe fn is_inside<T: Stops>(body: NonNull<c_void>) -> bool {
    // SAFETY: By the precondition of this function.
    unsafe { body.cast::<Body<T>>().as_ref() }.value.is_inside()
}

/// # Safety
///
/// `body` must come from `KBox::<Body<T>>::into_raw()`. The caller gives it away, and may sleep.
unsafe fn end<T: Stops>(body: NonNull<c_void>) {
    let body = body.cast::<Body<T>>();
    // Before there is a box, which has the value exclusively.
    //
    // SAFETY: By the precondition of this function.
    unsafe { body.as_ref() }.value.stop();
    // SAFETY: The body is given away (function precondition). It is stopped, so nothing else uses it.
    drop(unsafe { KBox::from_raw(body.as_ptr()) });
}

impl<T> Drop for Tied<'_, T> {
    fn drop(&mut self) {
        let (Some(registered), Some(job)) = (self.registered.take(), self.job.take()) else {
            return;
        };
        // If the end of the binding is stopping it, this handle is in something that was leaked: so is the
        // value. If it has stopped it, the value is dropped, which stops nothing more.
        let Some(claimed) = registered.take() else {
            return;
        };
        // SAFETY: The call was taken back, so nobody but this handle has the body. What the value has
        // begun may still read the value, and not this field, which is `None` so far.
        unsafe { (&raw mut (*self.body.as_ptr()).claimed).write(Some(claimed)) };

        let body = self.body.cast();
        // SAFETY: The body is not freed.
        let (is_inside, end) = unsafe { (self.body.as_ref().is_inside, self.body.as_ref().end) };
        // SAFETY: The body is not freed, and the function takes it (invariant of `Body`).
        if ffi::may_sleep() && !unsafe { is_inside(body) } {
            // SAFETY: The body is this handle's, and is not used again. The context may sleep.
            unsafe { end(body) };
        } else {
            // SAFETY: The body is this handle's, and is not used again. `T` is `Send`, and valid until the binding has ended (invariant of
            // `Scope`), which waits for the job.
            unsafe { job.queue(Some(self.scope.dma().into()), end, body) };
        }
    }
}

// SAFETY: The handle owns the value.
unsafe impl<T: Send> Send for Tied<'_, T> {}

// SAFETY: A shared reference gives access to the value only.
unsafe impl<T: Sync> Sync for Tied<'_, T> {}
