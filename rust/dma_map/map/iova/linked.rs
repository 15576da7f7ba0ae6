// SPDX-License-Identifier: GPL-2.0

//! A mapping whose buffer has one range of the IOMMU's addresses to itself.

use super::space::Space;
use crate::{
    buf::buffer::SgBuffer,
    device::DmaDevice,
    direction::Direction,
    engine::{
        self,
        Engine, //
    },
    error::Busy,
    state::{
        Cpu,
        Device,
        State, //
    },
    sys::{
        deferral,
        ffi, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A linked buffer, in one of the states of a streaming mapping.
///
/// Needs no sync: see [`Space`].
///
/// # Invariants
///
/// - `space` has all of `buffer` linked for `dev` in direction `D`.
/// - In the [`Cpu`] state the device does not access it.
pub(super) struct Linked<'bound, B: SgBuffer, D: Direction, S: State> {
    // Not dropped with the mapping: memory that is quarantined stays.
    parts: ManuallyDrop<Parts<'bound, B>>,
    state: S,
    _direction: PhantomData<D>,
}

struct Parts<'bound, B> {
    dev: DmaDevice<'bound>,
    space: Space,
    /// The length of `buffer`, which is not asked while the device has it: to tell, a vector makes
    /// a reference to its elements.
    size: usize,
    buffer: B,
}

impl<'bound, B: SgBuffer, D: Direction, S: State> Linked<'bound, B, D, S> {
    #[inline]
    pub(super) fn buffer(&self) -> &B {
        &self.parts.buffer
    }

    #[inline]
    pub(super) fn size(&self) -> usize {
        self.parts.size
    }

    #[inline]
    pub(super) fn device(&self) -> DmaDevice<'bound> {
        self.parts.dev
    }

    /// Returns the address of the first byte.
    #[inline]
    pub(super) fn address(&self) -> DmaAddress {
        self.parts.space.address()
    }

    /// Changes the state.
    #[inline]
    fn with_state<N: State>(self, state: N) -> Linked<'bound, B, D, N> {
        let (parts, _) = self.into_parts();

        Linked {
            parts: ManuallyDrop::new(parts),
            state,
            _direction: PhantomData,
        }
    }

    /// Takes the mapping apart, without unlinking.
    #[inline]
    fn into_parts(self) -> (Parts<'bound, B>, S) {
        let this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again, so each field is moved out once.
        unsafe {
            (
                ManuallyDrop::into_inner(core::ptr::read(&this.parts)),
                core::ptr::read(&this.state),
            )
        }
    }

    /// Unlinks the buffer; the device is done.
    #[inline]
    fn unlink(self) -> B {
        let (mut parts, _state) = self.into_parts();

        // SAFETY: By the type invariants, and the caller has seen that the device is done. The
        // space is not used again.
        unsafe { parts.space.unlink::<D>(parts.dev) };
        parts.buffer
    }
}

impl<'bound, B: SgBuffer, D: Direction, E: Engine> Linked<'bound, B, D, Device<E>> {
    /// Wraps what [`Space::link`] linked.
    #[inline]
    pub(super) fn new(dev: DmaDevice<'bound>, space: Space, buffer: B, engine: E) -> Self {
        // INVARIANT: The caller has linked the buffer for this device in this direction.
        Self {
            parts: ManuallyDrop::new(Parts {
                dev,
                space,
                size: buffer.len(),
                buffer,
            }),
            state: Device::new(engine),
            _direction: PhantomData,
        }
    }

    #[inline]
    pub(super) fn complete(self) -> Result<Linked<'bound, B, D, Cpu>, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            // SAFETY: The engine is idle.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    #[inline]
    pub(super) fn cancel(self) -> Result<Linked<'bound, B, D, Cpu>, Busy<Self>> {
        if self.state.stop() {
            // SAFETY: The engine is stopped.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    #[inline]
    pub(super) fn engine(&self) -> &E {
        &self.state.0
    }

    /// The transition to the CPU.
    ///
    /// # Safety
    ///
    /// The engine must be idle, or must have been stopped since it was told of this memory.
    #[inline]
    pub(super) unsafe fn into_cpu(self) -> Linked<'bound, B, D, Cpu> {
        // INVARIANT: By the safety requirements of this function.
        self.with_state(Cpu::new())
    }

    #[inline]
    pub(super) fn unmap(self) -> Result<B, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            Ok(self.unlink())
        } else {
            Err(Busy(self))
        }
    }
}

impl<'bound, B: SgBuffer, D: Direction> Linked<'bound, B, D, Cpu> {
    #[inline]
    pub(super) fn give<E: Engine>(self, engine: E) -> Linked<'bound, B, D, Device<E>> {
        self.with_state(Device::new(engine))
    }

    #[inline]
    pub(super) fn unmap(self) -> B {
        self.unlink()
    }

    #[inline]
    pub(super) fn buffer_mut(&mut self) -> &mut B {
        &mut self.parts.buffer
    }
}

impl<B: SgBuffer, D: Direction, S: State> Drop for Linked<'_, B, D, S> {
    fn drop(&mut self) {
        if !self.state.stop() {
            self.parts.dev.quarantine(self.size());
            return;
        }

        // SAFETY: `parts` is not used again.
        let mut parts = unsafe { ManuallyDrop::take(&mut self.parts) };
        // SAFETY: By the type invariants; the device is done, and the space is not used again.
        unsafe { parts.space.unlink::<D>(parts.dev) };

        let Parts { dev, buffer, .. } = parts;
        if B::DROP_MAY_SLEEP && !ffi::may_sleep() {
            let size = buffer.len();
            // SAFETY: The buffer is `'static`, and unlinked.
            if !unsafe { deferral::defer(Some(dev), move || drop(buffer)) } {
                dev.quarantine(size);
            }
        }
    }
}
