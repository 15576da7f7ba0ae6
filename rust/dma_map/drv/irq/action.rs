// SPDX-License-Identifier: GPL-2.0

//! Actions: what C calls for an interrupt, and what that calls.

use super::{
    allocation::{
        Half,
        Vector, //
    },
    name::Name,
    vectors::Vectors, //
};
use crate::{
    drv::tied::Stops,
    generic::errno::to_result,
    sys::leftovers::Stage, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    irq::{
        Handler,
        ThreadedHandler, //
    },
    pci::IrqType,
    prelude::*, //
};

/// A handler, and its place.
///
/// # Invariants
///
/// - `vector` is the vector `index` of `vectors`, and is taken for this.
/// - While `requested` is set, this is registered as a handler of it, and neither moves nor is dropped.
pub(super) struct Action<'bound, H> {
    pub(super) handler: H,
    pub(super) index: usize,
    vector: NonNull<Vector>,
    requested: AtomicBool,
    /// What C calls it.
    name: Name,
    pub(super) vectors: Vectors<'bound>,
}

// SAFETY: The vector is part of `vectors`, which may be used by any thread.
unsafe impl<H: Send> Send for Action<'_, H> {}
// SAFETY: The handler is `Sync`, and any thread may use the vector.
unsafe impl<H: Sync> Sync for Action<'_, H> {}

/// The function that C calls for a half of a handler.
pub(super) type Callback = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;

/// Which of its functions is called of a handler `H`, and what half of it that is.
pub(super) trait Call<H> {
    const HALF: Half;

    fn call(handler: &H) -> c_uint;
}

/// Of a handler without a threaded half.
pub(super) struct Whole;
/// The first half of a threaded handler.
pub(super) struct First;
/// The threaded half.
pub(super) struct Threaded;

impl<H: Handler> Call<H> for Whole {
    const HALF: Half = Half::Primary;

    #[inline]
    fn call(handler: &H) -> c_uint {
        handler.handle() as c_uint
    }
}

impl<H: ThreadedHandler> Call<H> for First {
    const HALF: Half = Half::Primary;

    #[inline]
    fn call(handler: &H) -> c_uint {
        handler.handle() as c_uint
    }
}

impl<H: ThreadedHandler> Call<H> for Threaded {
    const HALF: Half = Half::Thread;

    #[inline]
    fn call(handler: &H) -> c_uint {
        handler.handle_threaded() as c_uint
    }
}

/// Calls a half of a handler.
///
/// # Safety
///
/// `this` must be an `Action<H>` that is not dropped meanwhile.
pub(super) unsafe extern "C" fn callback<H, C: Call<H>>(
    _irq: c_int,
    this: *mut c_void,
) -> bindings::irqreturn_t {
    // SAFETY: By the precondition of this function.
    let this = unsafe { &*this.cast::<Action<'_, H>>() };

    this.vector()
        .enter(C::HALF, || bindings::irqreturn_t(C::call(&this.handler)))
}

impl<'bound, H> Action<'bound, H> {
    /// Takes a vector for a handler.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: there is no such vector.
    /// - `EBUSY`: it is taken.
    pub(super) fn new(
        vectors: &Vectors<'bound>,
        index: usize,
        name: Name,
        handler: H,
    ) -> Result<Self> {
        let vector = vectors.vector(index)?;

        vector.take()?;
        // INVARIANT: The vector exists, and is taken. The drop gives it back.
        Ok(Self {
            handler,
            index,
            vector: NonNull::from(vector),
            requested: AtomicBool::new(false),
            name,
            vectors: vectors.clone(),
        })
    }

    #[inline]
    pub(super) fn vector(&self) -> &Vector {
        // SAFETY: The vector is part of `vectors` (type invariant), which does not change.
        unsafe { self.vector.as_ref() }
    }

    /// Registers this.
    ///
    /// # Safety
    ///
    /// The callbacks must take an `Action<H>`. Until this is [stopped](Stops::stop), it must not move nor be
    /// dropped, and `H` must be valid.
    pub(super) unsafe fn request(&self, first: Callback, thread: Option<Callback>) -> Result {
        let flags = match self.vectors.kind() {
            IrqType::Intx => bindings::IRQF_SHARED,
            _ => 0,
        };

        // SAFETY: The vector is this device's. The name lives as long as this. The callbacks take this,
        // which is valid until it is stopped (function precondition).
        to_result(unsafe {
            bindings::request_threaded_irq(
                self.vector().irq,
                Some(first),
                thread,
                // CAST: `unsigned long` has at least 32 bits.
                flags as c_ulong,
                self.name.as_char_ptr(),
                core::ptr::from_ref(self).cast_mut().cast(),
            )
        })?;
        // INVARIANT: Registered above. The caller keeps it in place.
        self.requested.store(true, Ordering::Release);
        Ok(())
    }
}

impl<H> Drop for Action<'_, H> {
    fn drop(&mut self) {
        // It was stopped, or never requested.
        self.vector().put();
    }
}

impl<H: Send> Stops for Action<'_, H> {
    const STAGE: Stage = Stage::Functions;

    fn stop(&self) {
        if self.requested.swap(false, Ordering::AcqRel) {
            // SAFETY: By the type invariant it is registered, with this pointer. Once, by the swap.
            unsafe {
                bindings::free_irq(
                    self.vector().irq,
                    core::ptr::from_ref(self).cast_mut().cast(),
                )
            };
        }
    }

    fn is_inside(&self) -> bool {
        self.vectors.0.is_inside()
    }
}
