// SPDX-License-Identifier: GPL-2.0

//! Who owns the memory, as a type.
//!
//! ```text
//!                       share / give (sync for device)
//!               +------------------------------------------+
//!               |                                          v
//!   new ---> [ Cpu ]                             [ Device<E> / Shared<E> ] <--- map
//!               ^                                          |
//!               +------------------------------------------+
//!                 complete / reclaim: the engine is idle
//!                 cancel: the engine was stopped (sync for CPU)
//! ```
//!
//! - [`Cpu`]: the CPU has the memory to itself. Accessors hand out references; there is no DMA
//!   address.
//! - [`Device<E>`]: the device has a streaming mapping to itself. There is a DMA address and no
//!   accessor.
//! - [`Part`]: the CPU has a range of a streaming mapping to itself; the rest waits, in the state in
//!   which the device left it.
//! - [`Shared<E>`]: CPU and device share coherent memory. There is a DMA address, and volatile
//!   access only: never a reference.
//!
//! Transitions consume the handle, so a view of the old state cannot exist in the new one.

use super::engine::{
    self,
    Engine, //
};
use crate::{
    barrier,
    generic::variance::InvariantIn, //
};
use core::{
    marker::PhantomData,
    ops::Range, //
};

mod private {
    pub trait Sealed {}
    impl Sealed for super::Cpu {}
    impl<E> Sealed for super::Device<E> {}
    impl Sealed for super::Part {}
    impl<E> Sealed for super::Shared<E> {}
}

/// A state of ownership.
///
/// Implemented by [`Cpu`], [`Part`], [`Device`] and [`Shared`] only.
pub trait State: private::Sealed {
    /// `true` if the device has the memory, or shares it.
    #[doc(hidden)]
    const DEVICE: bool;

    /// `true` if the CPU finds what the device wrote, without a sync.
    #[doc(hidden)]
    const IN_SYNC: bool;

    /// Makes sure that the device does not access the memory any more; `false` if that can't be
    /// had.
    #[doc(hidden)]
    fn stop(&self) -> bool;
}

/// The CPU owns the memory.
#[derive(Debug)]
pub struct Cpu(());

impl Cpu {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(())
    }
}

/// The CPU owns a range of bytes, and the device accesses none.
#[derive(Debug)]
pub struct Part(pub(crate) Range<usize>);

/// The device behind `E` owns the memory.
///
/// A handle has its engine's lifetimes exactly, as it has its binding's: who asks the engine must find it.
#[derive(Debug)]
pub struct Device<E>(pub(crate) E, InvariantIn<E>);

impl<E> Device<E> {
    #[inline]
    pub(crate) fn new(engine: E) -> Self {
        // The compiler must not delay the CPU's writes until after the device is told, also where there
        // is no sync. The CPU's own delays end at the doorbell.
        barrier::compiler();
        Self(engine, PhantomData)
    }
}

/// The device behind `E` and the CPU share the memory.
#[derive(Debug)]
pub struct Shared<E>(pub(crate) E, InvariantIn<E>);

impl<E> Shared<E> {
    #[inline]
    pub(crate) fn new(engine: E) -> Self {
        // As for `Device`.
        barrier::compiler();
        Self(engine, PhantomData)
    }
}

impl State for Cpu {
    const DEVICE: bool = false;
    const IN_SYNC: bool = true;

    #[inline]
    fn stop(&self) -> bool {
        true
    }
}

impl State for Part {
    const DEVICE: bool = false;
    const IN_SYNC: bool = false;

    #[inline]
    fn stop(&self) -> bool {
        true
    }
}

impl<E: Engine> State for Device<E> {
    const DEVICE: bool = true;
    const IN_SYNC: bool = false;

    #[inline]
    fn stop(&self) -> bool {
        engine::stop(&self.0)
    }
}

impl<E: Engine> State for Shared<E> {
    const DEVICE: bool = true;
    // Coherent memory.
    const IN_SYNC: bool = true;

    #[inline]
    fn stop(&self) -> bool {
        engine::stop(&self.0)
    }
}
