// SPDX-License-Identifier: GPL-2.0

//! The direction of a transfer, as a type.
//!
//! C header: [`include/linux/dma-direction.h`](srctree/include/linux/dma-direction.h)
//!
//! A direction decides three things at compile time: the element types that may cross ([`Carries`]),
//! the accessors of the CPU while it owns the buffer ([`CpuReads`], [`CpuWrites`]), and the constant
//! for the C API. There is no type for `DMA_NONE`.

use kernel::{
    bindings,
    dma::DataDirection, //
};
use zerocopy::{
    FromBytes,
    Immutable,
    IntoBytes, //
};

pub(crate) mod private {
    use super::*;

    pub trait Sealed {}
    impl Sealed for ToDevice {}
    impl Sealed for FromDevice {}
    impl Sealed for Bidirectional {}

    // The orphan rule lets a driver write `impl Carries<ItsType> for FromDevice`. So this private trait
    // decides what crosses; a driver cannot implement it.
    pub trait Crosses<T> {
        /// Each constructor that lets elements cross evaluates it: a compiler error, and no code.
        const WITHOUT_DESTRUCTOR: () = assert_no_destructor::<T>();
    }
    impl<T: IntoBytes> Crosses<T> for ToDevice {}
    impl<T: IntoBytes + FromBytes> Crosses<T> for FromDevice {}
    impl<T: IntoBytes + FromBytes> Crosses<T> for Bidirectional {}

    /// See [`Copied`](super::Copied).
    pub trait Steady {}
    impl<T: Immutable> Steady for T {}
}

/// Asserts that `T` has no destructor, as every type that a device reads or writes.
///
/// A destructor would run where the memory is freed, in any state. It would read what the device wrote
/// before the sync, or would never run.
pub(crate) const fn assert_no_destructor<T>() {
    assert!(
        !core::mem::needs_drop::<T>(),
        "a type with a destructor cannot cross to a device"
    );
}

/// The direction of a streaming mapping.
///
/// Implemented by [`ToDevice`], [`FromDevice`] and [`Bidirectional`] only.
pub trait Direction: private::Sealed + Copy + Send + Sync + 'static {
    /// The same direction as a value of the `kernel` crate.
    const DATA_DIRECTION: DataDirection;

    #[doc(hidden)]
    const RAW: bindings::dma_data_direction;

    /// `true` where the device may write to the buffer.
    const DEVICE_WRITES: bool;
}

/// The device reads memory that the CPU has filled (`DMA_TO_DEVICE`).
#[derive(Clone, Copy, Debug)]
pub struct ToDevice;

/// The device fills memory that the CPU will read (`DMA_FROM_DEVICE`).
#[derive(Clone, Copy, Debug)]
pub struct FromDevice;

/// Both sides read and write (`DMA_BIDIRECTIONAL`).
#[derive(Clone, Copy, Debug)]
pub struct Bidirectional;

impl Direction for ToDevice {
    const DATA_DIRECTION: DataDirection = DataDirection::ToDevice;
    const RAW: bindings::dma_data_direction = bindings::dma_data_direction::DMA_TO_DEVICE;
    const DEVICE_WRITES: bool = false;
}

impl Direction for FromDevice {
    const DATA_DIRECTION: DataDirection = DataDirection::FromDevice;
    const RAW: bindings::dma_data_direction = bindings::dma_data_direction::DMA_FROM_DEVICE;
    const DEVICE_WRITES: bool = true;
}

impl Direction for Bidirectional {
    const DATA_DIRECTION: DataDirection = DataDirection::Bidirectional;
    const RAW: bindings::dma_data_direction = bindings::dma_data_direction::DMA_BIDIRECTIONAL;
    const DEVICE_WRITES: bool = true;
}

/// Directions in which the CPU reads what the device wrote.
pub trait CpuReads: Direction {}
impl CpuReads for FromDevice {}
impl CpuReads for Bidirectional {}

/// Directions in which the device reads what the CPU wrote.
pub trait CpuWrites: Direction {}
impl CpuWrites for ToDevice {}
impl CpuWrites for Bidirectional {}

/// Element types that may cross in this direction.
///
/// - Every direction needs [`IntoBytes`]: a bounce buffer copies the memory whatever the
///   direction is, and an IOMMU maps whole pages, so memory with padding bytes would show the
///   device what was there before.
/// - Where the device writes, [`FromBytes`] too: it may write any bit pattern.
/// - A type that needs dropping does not cross: an error when code is generated.
pub trait Carries<T>: Direction + private::Crosses<T> {}
impl<T, D: Direction + private::Crosses<T>> Carries<T> for D {}

/// Element types that can be copied from memory to which other references may exist. They cannot be
/// written by a shared reference ([`Immutable`]), as atomics and cells can.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be written while it is shared, and so cannot be copied from there",
    label = "atomics and cells are read in place, where they are a slice",
    note = "types without interior mutability derive `Immutable`"
)]
pub trait Copied: private::Steady {}
impl<T: private::Steady> Copied for T {}
