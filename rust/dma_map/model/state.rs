// SPDX-License-Identifier: GPL-2.0

//! Ownership states of memory, as types.
//!
//! ```text
//!                       give (sync for device)
//!               +------------------------------------------+
//!               |                                          v
//!   new ---> [ Cpu ]                             [ Device<E> / Shared<E> ] <--- map
//!               ^                                          |
//!               +------------------------------------------+
//!                 complete: the engine is idle
//!                 cancel: the engine was stopped (sync for CPU)
//!
//!               post, of a ring or a table (sync for device)
//!               +------------------------------------------+
//!               |                                          v
//!            [ Cpu ]                                 [ Posted<K> ]
//!               ^                                          |
//!               +------------------------------------------+
//!                 pop, take: the device reported it
//!                 cancel: the engine was stopped (sync for CPU)
//! ```
//!
//! - [`Cpu`]: the CPU has the memory to itself. Accessors hand out references; there is no DMA
//!   address.
//! - [`Device<E>`]: the device has a streaming mapping to itself. There is a DMA address and no
//!   accessor.
//! - [`Part`]: the CPU has a range of a streaming mapping to itself. The rest stays in the state in
//!   which the device left it.
//! - [`Shared<E>`]: CPU and device share coherent memory. There is a DMA address, and volatile
//!   access only: never a reference.
//! - [`Lasting<E>`]: the device has the memory as long as the handle lives. There is a DMA address, and
//!   no transition to the CPU.
//! - [`Posted<K>`]: a ring or a table of commands has the memory, and its device may access it
//!   ([`Post`](crate::transfer::Post)).
//!
//! Transitions consume the handle, so a view of the old state cannot exist in the new one.
//!
//! # Transitions
//!
//! | verb | from | to | what it does |
//! |---|---|---|---|
//! | `give` | `Cpu` | `Device<E>`, `Shared<E>` | syncs for the device, and gives it the memory |
//! | `give` | `Part` | `Device<E>` | syncs the range for the device, and gives it the memory |
//! | `complete` | `Device<E>`, `Shared<E>` | `Cpu` | `EBUSY` unless the engine is idle; syncs for the CPU |
//! | `complete_range` | `Device<E>` | `Part` | the same for a range of a [`DmaMapping`] |
//! | `cancel` | `Device<E>`, `Shared<E>` | `Cpu` | stops the engine unless it is idle; syncs for the CPU |
//! | `post` | `Cpu` | `Posted<K>` | as `give`; the memory is the ring's, or the table's |
//! | `pop`, `take` | `Posted<K>` | `Cpu` | the device reported it as done; syncs for the CPU |
//! | `cancel` of a ring or a table | `Posted<K>` | `Cpu` | stops the engine unless it is idle; syncs for the CPU |
//! | `unmap` | `Cpu`, `Part` | the buffer | unmaps |
//! | `unmap` | `Device<E>`, `Lasting<E>` | the buffer | `EBUSY` unless the engine is idle; unmaps |
//! | drop | any but `Posted<K>` | | stops the engine unless it is idle; unmaps or frees, or quarantines |
//! | drop of its ring or table | `Posted<K>` | | the same, with the engine of the ring or the table |
//!
//! The C functions behind them; a sync is one branch where the device needs none
//! ([`DmaDevice::needs_sync`](crate::DmaDevice::needs_sync)):
//!
//! | handle | `give` | `complete`, `cancel` | `unmap`, drop |
//! |---|---|---|---|
//! | [`SgMapping`] | `dma_sync_sgtable_for_device()` | `dma_sync_sgtable_for_cpu()` | `dma_unmap_sgtable()` |
//! | [`DmaMapping`] | `dma_sync_single_for_device()` | `dma_sync_single_for_cpu()` | `dma_unmap_phys()` |
//! | the same, for a range | `dma_sync_single_range_for_device()` | `dma_sync_single_range_for_cpu()` | `dma_unmap_phys()` |
//! | [`IovaMapping`], at one address | none: always in sync | none | `dma_iova_destroy()` |
//! | the same, with a table | as [`SgMapping`] | as [`SgMapping`] | as [`SgMapping`] |
//! | [`DmaPages`] | `dma_sync_single_for_device()` | `dma_sync_single_for_cpu()` | `dma_free_pages()` |
//! | [`DmaNoncontiguous`] | `dma_sync_sgtable_for_device()` | `dma_sync_sgtable_for_cpu()` | `dma_free_noncontiguous()` |
//! | [`MappedBuffer`] | `dma_sync_single_for_device()` | `dma_sync_single_for_cpu()` | as `cancel`; the buffer stays mapped |
//! | [`DmaCoherent`] | none | none; a read barrier | `dma_free_attrs()` |
//! | [`PoolBlock`] | none | none; a read barrier | `dma_pool_free()` |
//! | [`CoherentHandle`] | | | `dma_free_attrs()` |
//! | [`SgAddresses`] | | | `dma_unmap_sgtable()`, where that does something |
//! | [`MmioMapping`] | | | `dma_unmap_phys()` |
//!
//! `sync_attrs.rs` lists which of the unmaps sync. A buffer that comes back contains what the device
//! wrote.
//!
//! [`CoherentHandle`]: crate::CoherentHandle
//! [`DmaCoherent`]: crate::DmaCoherent
//! [`DmaMapping`]: crate::DmaMapping
//! [`DmaNoncontiguous`]: crate::DmaNoncontiguous
//! [`DmaPages`]: crate::DmaPages
//! [`IovaMapping`]: crate::IovaMapping
//! [`MappedBuffer`]: crate::MappedBuffer
//! [`MmioMapping`]: crate::mapping::MmioMapping
//! [`PoolBlock`]: crate::PoolBlock
//! [`SgAddresses`]: crate::sg::SgAddresses
//! [`SgMapping`]: crate::SgMapping

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

pub(crate) mod private {
    /// The operations of a state that a handle needs.
    pub trait State: Sized {
        /// `true` if the device has the memory, or shares it.
        const DEVICE: bool = false;

        /// `true` if the CPU sees what the device wrote, without a sync.
        const IN_SYNC: bool;

        /// The mark of the engine; without an engine, [`Cpu`](super::Cpu), which no engine has.
        type Mark;

        /// The state after a transfer.
        type Done: super::State;

        /// Returns whether the device does not access the memory.
        #[inline(always)]
        fn is_done(&self) -> bool {
            true
        }

        /// Stops the device's accesses to the memory. Returns `false` if the device cannot be stopped.
        #[inline(always)]
        fn stop(&self) -> bool {
            true
        }

        /// Returns the state after a transfer.
        fn done(self) -> Self::Done;
    }
}

/// A state of ownership.
///
/// Implemented by [`Cpu`], [`Part`], [`Device`], [`Shared`], [`Lasting`] and [`Posted`] only. A state
/// without a handle gives no access to any memory, so anybody may make one.
pub trait State: private::State {}
impl State for Cpu {}
impl State for Part {}
impl<E: Engine> State for Device<E> {}
impl<E: Engine> State for Shared<E> {}
impl<E: Engine> State for Lasting<E> {}
impl<K> State for Posted<K> {}

/// A state in which a device reaches the memory, with the engine of that device: [`Device`], [`Shared`],
/// [`Lasting`]. A device reaches memory in the [`Posted`] state, too, whose owner has the engine.
#[diagnostic::on_unimplemented(
    message = "the device does not have memory in state `{Self}`",
    label = "give it to the device first: `give()`"
)]
pub trait InDevice: State {
    /// The engine of the device.
    type Engine: Engine;

    /// Creates the state.
    #[doc(hidden)]
    fn of(engine: Self::Engine) -> Self;

    /// Returns the engine.
    #[doc(hidden)]
    fn engine(&self) -> &Self::Engine;
}

/// A state of a device from which memory comes back to the CPU: [`Device`], [`Shared`].
pub trait Returns: InDevice<Done = Cpu> {}
impl<E: Engine> Returns for Device<E> {}
impl<E: Engine> Returns for Shared<E> {}

/// The CPU owns the memory.
#[derive(Debug)]
pub struct Cpu(());

impl Cpu {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl private::State for Cpu {
    const IN_SYNC: bool = true;
    type Mark = Self;
    type Done = Self;

    #[inline(always)]
    fn done(self) -> Self {
        self
    }
}

/// The CPU owns a range of bytes, and the device accesses none.
#[derive(Debug)]
pub struct Part(pub(crate) Range<usize>);

impl private::State for Part {
    const IN_SYNC: bool = false;
    type Mark = Cpu;
    type Done = Self;

    #[inline(always)]
    fn done(self) -> Self {
        self
    }
}

/// Defines a state that holds an engine. The state is invariant in the engine's lifetimes, as a handle
/// is in its binding's: the engine must exist whenever it is called.
macro_rules! in_device {
    ($(#[$doc:meta])+ $state:ident, in sync: $in_sync:literal, then $done:ty: $then:expr) => {
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $state<E>(E, InvariantIn<E>);

        impl<E: Engine> private::State for $state<E> {
            const DEVICE: bool = true;
            const IN_SYNC: bool = $in_sync;
            type Mark = E::Mark;
            type Done = $done;

            #[inline(always)]
            fn is_done(&self) -> bool {
                engine::is_idle(&self.0)
            }

            #[inline]
            fn stop(&self) -> bool {
                engine::stop(&self.0)
            }

            #[inline(always)]
            fn done(self) -> $done {
                let then: fn(Self) -> $done = $then;
                then(self)
            }
        }

        impl<E: Engine> InDevice for $state<E> {
            type Engine = E;

            #[inline(always)]
            fn of(engine: E) -> Self {
                // The compiler must not delay the CPU's writes until after the device is told, also
                // where there is no sync. The doorbell write orders the CPU's own stores.
                barrier::compiler();
                Self(engine, PhantomData)
            }

            #[inline(always)]
            fn engine(&self) -> &E {
                &self.0
            }
        }
    };
}

in_device! {
    /// The device behind `E` owns the memory.
    Device, in sync: false, then Cpu: |_| Cpu::new()
}

in_device! {
    /// The device behind `E` and the CPU share the memory, which is coherent.
    Shared, in sync: true, then Cpu: |_| Cpu::new()
}

in_device! {
    /// The device behind `E` owns the memory as long as the handle lives.
    Lasting, in sync: false, then Self: |state| state
}

/// The device of a ring, or of a table of commands, has the memory.
///
/// The owner of the handle has the engine, whose mark is `K`. It takes the handle back when the device
/// has reported the end of the slot or of the command, or when the engine was stopped. No handle in this
/// state is outside of such an owner. The state has no engine, so the memory of a handle that is dropped in
/// it is quarantined: the owner does that if the engine could not be stopped.
#[derive(Debug)]
pub struct Posted<K>(PhantomData<fn() -> K>);

impl<K> Posted<K> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        // As for the states that hold an engine: the CPU's writes come before the device is told.
        barrier::compiler();
        Self(PhantomData)
    }
}

impl<K> private::State for Posted<K> {
    const DEVICE: bool = true;
    const IN_SYNC: bool = false;
    type Mark = K;
    type Done = Cpu;

    #[inline(always)]
    fn is_done(&self) -> bool {
        false
    }

    #[inline(always)]
    fn stop(&self) -> bool {
        false
    }

    #[inline(always)]
    fn done(self) -> Cpu {
        Cpu::new()
    }
}

impl<E> Device<E> {
    /// Returns the state of memory that does not return to the CPU.
    #[inline(always)]
    pub(crate) fn lasting(self) -> Lasting<E> {
        Lasting(self.0, PhantomData)
    }
}
