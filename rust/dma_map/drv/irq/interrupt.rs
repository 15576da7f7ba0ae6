// SPDX-License-Identifier: GPL-2.0

//! A handler of an interrupt vector.

use super::{
    action::{
        callback,
        Action,
        Callback,
        First,
        Threaded,
        Whole, //
    },
    name::Name,
    vectors::Vectors, //
};
use crate::{
    drv::tied::{
        Stops,
        Tied, //
    },
    generic::variance::Invariant, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    fmt,
    irq::{
        Handler,
        ThreadedHandler, //
    },
    pci::IrqType,
    prelude::*, //
};

/// A handler of one vector, removed on drop.
///
/// Dropping it removes the handler, waits until it is not running, and drops its data; in atomic context,
/// and in a handler of the same vectors, a workqueue does that later. If it is leaked, the end of the
/// binding removes the handler, and the data is leaked.
///
/// Drop context: any.
///
/// The drop, [`synchronize`](Self::synchronize) and [`disable`](Self::disable) wait for the handler, with its
/// threaded half. So their caller must not hold a lock that the handler takes.
///
/// See the [module](super) for an example.
pub struct Interrupt<'bound, H>(Tied<'bound, Action<'bound, H>>);

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
    /// - `EINVAL`: there is no such vector; or the name is empty, `.`, `..`, has a `/` or more than 127
    ///   bytes, or is that of a file in `/proc/irq/<N>`, such as `node` and `spurious`.
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
        // SAFETY: The callback takes an `Action<H>`.
        unsafe { self.register(index, name, handler, callback::<H, Whole>, None) }
    }

    /// Registers a handler of a vector, with a half that runs in a thread of its own.
    ///
    /// The first half, in hard IRQ context, says whether the second is to run.
    ///
    /// By default it says so without asking the device. That is right for message interrupts. If the vector
    /// may be an [INTx line](super#the-intx-line), the driver must write the first half: it makes the device
    /// stop asserting the line before it returns `WakeThread`, and returns `None` if that had not. Otherwise
    /// the line raises the interrupt again and again before the thread can run, until the kernel
    /// disables it, also for the other devices that share it.
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
        let thread: Callback = callback::<H, Threaded>;

        // SAFETY: The callbacks take an `Action<H>`.
        unsafe { self.register(index, name, handler, callback::<H, First>, Some(thread)) }
    }

    /// # Safety
    ///
    /// The callbacks must take an `Action<H>`.
    unsafe fn register<H: Send + 'bound>(
        &self,
        index: usize,
        name: fmt::Arguments<'_>,
        handler: H,
        first: Callback,
        thread: Option<Callback>,
    ) -> Result<Interrupt<'bound, H>> {
        self.vector(index)?;
        let name = Name::new(name)?;
        let action = Action::new(self, index, name, handler)?;
        Ok(Interrupt(Tied::new(self.scope(), action, |this| {
            // SAFETY: The callbacks take this type (function precondition). `Tied` does not move it, and
            // stops it before it drops it, and at the end of the binding, until when `H` is valid (invariant
            // of `Scope`).
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
        // SAFETY: The vector is not freed while its handler is registered: before that is stopped, no handle
        // is left that could be used (invariant of `Scope`).
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
    /// - `EOPNOTSUPP`: it is an INTx line, which other devices may need; or a vector that is
    ///   [spread](super::VectorOptions::spread). The kernel shuts that down and starts it again when its CPUs
    ///   go offline and online, and a driver must not enable it meanwhile.
    pub fn disable(&self) -> Result<Disabled<'_>> {
        if matches!(self.0.vectors.kind(), IrqType::Intx) || self.0.vector().is_spread {
            return Err(EOPNOTSUPP);
        }
        self.outside()?;
        let irq = self.0.vector().irq;
        // SAFETY: As in `synchronize`.
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
/// `irq` was disabled for this value, through the handle of its only handler, which is borrowed.
#[must_use = "it is enabled when this is dropped"]
pub struct Disabled<'a> {
    irq: u32,
    _interrupt: Invariant<'a>,
}

impl Drop for Disabled<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it was disabled once for this value. The vector is there while the
        // handle of its handler is borrowed.
        unsafe { bindings::enable_irq(self.irq) };
    }
}
