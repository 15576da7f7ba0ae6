// SPDX-License-Identifier: GPL-2.0

//! `Scope`: the proof that a lifetime is that of a binding, and no shorter one.

use crate::device::DmaDevice;
use kernel::device::{
    Bound,
    Device, //
};

/// A binding, whose lifetime cannot have been shortened.
///
/// The lifetime of a [`DmaDevice`] may be shorter than the binding: that of a variable in `probe`, for
/// one. Nothing is wrong with that for memory. But a function that C calls, such as an interrupt handler,
/// is called until it is unregistered, and a handle that unregisters it can be leaked. The end of the
/// binding stops what is leaked. Until then the function uses what it borrows. So what it borrows must
/// last as long as the binding.
///
/// [`Gate::with_scope`](super::gate::Gate::with_scope) gives one to its closure, without `unsafe`: the
/// closure does not know the lifetime.
///
/// # Invariants
///
/// `'bound` lasts until the end of the binding has stopped what was leaked.
#[derive(Clone, Copy)]
pub struct Scope<'bound> {
    dma: DmaDevice<'bound>,
}

impl<'bound> Scope<'bound> {
    /// Makes a scope of a token, in a driver without a [`Gate`](super::gate::Gate).
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// `'bound` must be the lifetime that `probe` was called with, as the signature of `probe` names it,
    /// and no shorter one.
    #[inline]
    pub unsafe fn new(dma: DmaDevice<'bound>) -> Self {
        // INVARIANT: The binding ends when devres releases it, and the caller guarantees that `'bound`
        // lasts until then.
        Self { dma }
    }

    /// Returns the token.
    #[inline]
    pub fn dma(self) -> DmaDevice<'bound> {
        self.dma
    }

    /// Returns the device.
    #[inline]
    pub fn device(self) -> &'bound Device<Bound> {
        self.dma.device()
    }
}
