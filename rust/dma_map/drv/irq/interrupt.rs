// SPDX-License-Identifier: GPL-2.0

//! A handler of an interrupt vector.

use super::vectors::{
    Half,
    Vector,
    Vectors, //
};
use crate::{
    drv::tied::{
        Stops,
        Tied, //
    },
    generic::variance::Invariant,
    sys::leftovers::Order, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    error::to_result,
    fmt,
    irq::{
        Handler,
        ThreadedHandler, //
    },
    pci::IrqType,
    prelude::*,
    str::CString, //
};

/// A handler, and its place.
///
/// # Invariants
///
/// - `vector` is the vector `index` of `vectors`, and is taken for this.
/// - While `requested` is set, this is registered as a handler of it, and does not move.
struct Registered<'bound, H> {
    handler: H,
    index: usize,
    vector: NonNull<Vector>,
    requested: AtomicBool,
    /// What C calls it.
    name: CString,
    vectors: Vectors<'bound>,
}

// SAFETY: The vector is part of `vectors`, which may be used by any thread.
unsafe impl<H: Send> Send for Registered<'_, H> {}
// SAFETY: As above.
unsafe impl<H: Sync> Sync for Registered<'_, H> {}

/// The function that C calls for a half of a handler.
type Callback = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;

/// # Safety
///
/// `this` must be a `Registered<H>` that is not dropped meanwhile.
unsafe extern "C" fn handle<H: Handler>(_irq: c_int, this: *mut c_void) -> bindings::irqreturn_t {
    // SAFETY: By the precondition of this function.
    let this = unsafe { &*this.cast::<Registered<'_, H>>() };

    this.enter(Half::Primary, |handler| {
        bindings::irqreturn_t(handler.handle() as c_uint)
    })
}

/// # Safety
///
/// That of [`handle`].
unsafe extern "C" fn handle_first<H: ThreadedHandler>(
    _irq: c_int,
    this: *mut c_void,
) -> bindings::irqreturn_t {
    // SAFETY: By the precondition of this function.
    let this = unsafe { &*this.cast::<Registered<'_, H>>() };

    this.enter(Half::Primary, |handler| {
        bindings::irqreturn_t(handler.handle() as c_uint)
    })
}

/// # Safety
///
/// That of [`handle`].
unsafe extern "C" fn handle_in_thread<H: ThreadedHandler>(
    _irq: c_int,
    this: *mut c_void,
) -> bindings::irqreturn_t {
    // SAFETY: By the precondition of this function.
    let this = unsafe { &*this.cast::<Registered<'_, H>>() };

    this.enter(Half::Thread, |handler| {
        bindings::irqreturn_t(handler.handle_threaded() as c_uint)
    })
}

impl<H> Registered<'_, H> {
    #[inline]
    fn vector(&self) -> &Vector {
        // SAFETY: The vector is part of `vectors` (type invariant), which does not change.
        unsafe { self.vector.as_ref() }
    }

    #[inline]
    fn enter<R>(&self, half: Half, f: impl FnOnce(&H) -> R) -> R {
        self.vector().enter(half, || f(&self.handler))
    }

    /// Registers this.
    ///
    /// # Safety
    ///
    /// The callbacks must take a `Registered<H>`, which must not move, and which must be dropped or
    /// stopped before `H` may not be used any more.
    unsafe fn request(&self, first: Callback, thread: Option<Callback>) -> Result {
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
        // INVARIANT: Registered above.
        self.requested.store(true, Ordering::Release);
        Ok(())
    }

    /// Removes the handler, and waits until it is not running.
    fn free(&self) {
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
}

impl<H> Drop for Registered<'_, H> {
    fn drop(&mut self) {
        self.free();
        self.vector().put();
    }
}

impl<H: Send> Stops for Registered<'_, H> {
    const ORDER: Order = Order::Functions;

    fn stop(&self) {
        self.free();
    }

    fn is_inside(&self) -> bool {
        self.vectors.0.is_inside()
    }
}

/// A handler of one vector, removed on drop.
///
/// Dropping it removes the handler, waits until it is not running, and drops its data; in atomic context,
/// and in a handler of the same vectors, a workqueue does that later. If it is leaked, the end of the
/// binding removes the handler, and the data is leaked.
///
/// Drop context: any.
///
/// See the [module](super) for an example.
pub struct Interrupt<'bound, H>(Tied<'bound, Registered<'bound, H>>);

/// The kernel takes these names for directories.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
}

impl<'bound> Vectors<'bound> {
    /// Registers a handler of a vector, which runs in hard IRQ context.
    ///
    /// `name` is what `/proc/interrupts` calls it.
    ///
    /// C API: `request_irq()`, and `free_irq()` at the end. Context: may sleep.
    ///
    /// # Errors
    ///
    /// The handler is dropped.
    ///
    /// - `EINVAL`: there is no such vector; or the name is empty, `.`, `..`, or has a `/`.
    /// - `EBUSY`: the vector has a handler, also one that is being removed by a workqueue.
    /// - `ENOMEM`, and others of the C function.
    pub fn request<H>(
        &self,
        index: usize,
        name: fmt::Arguments<'_>,
        handler: H,
    ) -> Result<Interrupt<'bound, H>>
    where
        H: Handler + Send + 'bound,
    {
        // SAFETY: The callback takes a `Registered<H>`.
        unsafe { self.register(index, name, handler, handle::<H>, None) }
    }

    /// Registers a handler of a vector, with a half that runs in a thread of its own.
    ///
    /// The first half, in hard IRQ context, says whether the second is to run.
    ///
    /// C API: `request_threaded_irq()`, and `free_irq()` at the end. Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`request`](Self::request).
    pub fn request_threaded<H>(
        &self,
        index: usize,
        name: fmt::Arguments<'_>,
        handler: H,
    ) -> Result<Interrupt<'bound, H>>
    where
        H: ThreadedHandler + Send + 'bound,
    {
        let thread: Callback = handle_in_thread::<H>;

        // SAFETY: The callbacks take a `Registered<H>`.
        unsafe { self.register(index, name, handler, handle_first::<H>, Some(thread)) }
    }

    /// # Safety
    ///
    /// The callbacks must take a `Registered<H>`.
    unsafe fn register<H: Send + 'bound>(
        &self,
        index: usize,
        name: fmt::Arguments<'_>,
        handler: H,
        first: Callback,
        thread: Option<Callback>,
    ) -> Result<Interrupt<'bound, H>> {
        let vector = self.0.vectors.get(index).ok_or(EINVAL)?;
        let name = CString::try_from_fmt(name)?;
        if !is_name(name.to_bytes()) {
            return Err(EINVAL);
        }

        vector.take()?;
        // INVARIANT: The vector exists, and is taken. The drop gives it back.
        let registered = Registered {
            handler,
            index,
            vector: NonNull::from(vector),
            requested: AtomicBool::new(false),
            name,
            vectors: self.clone(),
        };
        Ok(Interrupt(Tied::new(self.scope(), registered, |this| {
            // SAFETY: The callbacks take this type (function precondition). `Tied` does not move it, and
            // drops it, or stops it at the end of the binding, until when `H` is valid (invariant of
            // `Scope`).
            unsafe { this.request(first, thread) }
        })?))
    }
}

impl<H> Interrupt<'_, H> {
    /// Returns the handler.
    ///
    /// Context: any.
    #[inline]
    pub fn handler(&self) -> &H {
        &self.0.handler
    }

    /// Returns the index of the vector.
    ///
    /// Context: any.
    #[inline]
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// Returns an error if the caller would wait for itself.
    fn outside(&self) -> Result {
        if self.0.vectors.0.is_inside() {
            return Err(EDEADLK);
        }
        Ok(())
    }

    /// Waits until the handler, with its threaded half, is not running.
    ///
    /// It may be called again at any time, also for an interrupt that came before.
    ///
    /// C API: `synchronize_irq()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// `EDEADLK`: called by a handler of the same vectors.
    pub fn synchronize(&self) -> Result {
        self.outside()?;
        // SAFETY: By the type invariants the number is that of a vector of the device.
        unsafe { bindings::synchronize_irq(self.0.vector().irq) };
        Ok(())
    }

    /// Disables the vector, and waits until the handler is not running.
    ///
    /// Until the result is dropped, the handler is not called. An interrupt that is raised meanwhile
    /// arrives afterwards, once. If the result is leaked, the vector stays disabled until its handler is
    /// dropped.
    ///
    /// C API: `disable_irq()`, and `enable_irq()` on drop. Context: may sleep. Drop context: any.
    ///
    /// # Errors
    ///
    /// - `EDEADLK`: called by a handler of the same vectors.
    /// - `EOPNOTSUPP`: it is an INTx line, which other devices may need.
    pub fn disable(&self) -> Result<Disabled<'_>> {
        if matches!(self.0.vectors.kind(), IrqType::Intx) {
            return Err(EOPNOTSUPP);
        }
        self.outside()?;
        let irq = self.0.vector().irq;
        // SAFETY: By the type invariants the number is that of a vector of the device.
        unsafe { bindings::disable_irq(irq) };

        // INVARIANT: Disabled above.
        Ok(Disabled {
            irq,
            _interrupt: PhantomData,
        })
    }
}

/// A vector that is disabled; enabled on drop.
///
/// # Invariants
///
/// `irq` was disabled for this value, by its only handler.
#[must_use = "it is enabled when this is dropped"]
pub struct Disabled<'a> {
    irq: u32,
    _interrupt: Invariant<'a>,
}

impl Drop for Disabled<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it was disabled once for this value. The handler is there while
        // it is borrowed.
        unsafe { bindings::enable_irq(self.irq) };
    }
}
