// SPDX-License-Identifier: GPL-2.0

//! Scoped mappings: borrowed memory, mapped while a closure runs.
//!
//! A mapping that owns its buffer can be leaked, or quarantined if the device does not stop. Borrowed
//! memory cannot: its owner uses or frees it when the borrow ends. So such a mapping
//!
//! - lives in a function that unmaps it on every return path, and the caller's closure gets only a
//!   reference, so that it cannot be forgotten;
//! - takes engines that [always stop](AlwaysStops), and waits if one does not.
//!
//! If the device may fail to stop, use a [`DmaMapping`](super::DmaMapping), which owns its memory.

use super::mapped::Mapped;
use crate::{
    buf::pages::Pages,
    device::{
        counts::{
            self,
            Change,
            Kind, //
        },
        lines::Lines,
        refusal,
        DmaDevice, //
    },
    direction::{
        assert_no_destructor,
        Carries,
        Direction,
        ToDevice, //
    },
    engine::{
        self,
        AlwaysStops,
        Engine, //
    },
    handle::ForDevice,
    model::{
        map_options::MapOptions,
        sync_attrs::{
            UnmapAttrs,
            MAPPED_FOR_CPU, //
        },
    },
    seg::piece::Piece,
    state::Device,
    sys::{
        chunk::linear_chunk,
        ffi, //
    },
};
use core::marker::PhantomData;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use zerocopy::Immutable;

mod private {
    use super::*;

    pub trait Sealed {
        /// Whether the type guarantees whole pages in the linear mapping.
        const IS_PAGES: bool = false;

        /// Returns the address of the memory, and its length in bytes.
        fn memory(&mut self) -> (*const u8, usize);
    }

    impl<T> Sealed for &[T] {
        #[inline]
        fn memory(&mut self) -> (*const u8, usize) {
            const { assert_no_destructor::<T>() };
            (self.as_ptr().cast(), size_of_val(*self))
        }
    }

    impl<T> Sealed for &mut [T] {
        #[inline]
        fn memory(&mut self) -> (*const u8, usize) {
            const { assert_no_destructor::<T>() };
            // The device writes through this pointer.
            let start = self.as_mut_ptr();
            (start.cast_const().cast(), size_of_val(*self))
        }
    }

    impl Sealed for &Pages {
        const IS_PAGES: bool = true;

        #[inline]
        fn memory(&mut self) -> (*const u8, usize) {
            (self.as_ptr(), self.len())
        }
    }

    impl Sealed for &mut Pages {
        const IS_PAGES: bool = true;

        #[inline]
        fn memory(&mut self) -> (*const u8, usize) {
            // The device writes through this pointer.
            let start = self.as_mut_ptr();
            (start.cast_const(), self.len())
        }
    }
}

/// Memory that can be lent to a device in direction `D`: `&[T]` and `&Pages` for [`ToDevice`],
/// `&mut [T]` and `&mut Pages` for every direction.
///
/// Lent memory is borrowed: nothing else writes to it, and nothing else accesses a `&mut`.
pub trait Lend<D: Direction>: private::Sealed {}

// The CPU may read while the device reads; `Immutable` keeps it from writing.
impl<T: Immutable> Lend<ToDevice> for &[T] where ToDevice: Carries<T> {}
impl<T, D: Carries<T>> Lend<D> for &mut [T] {}
impl Lend<ToDevice> for &Pages {}
impl<D: Carries<u8>> Lend<D> for &mut Pages {}

/// Memory that is lent to a device while [`with_mapped`] runs.
pub struct Lent<'a, 'bound, D: Direction, E: Engine> {
    mapped: &'a Mapped<'bound>,
    _direction: PhantomData<(D, fn() -> E)>,
}

impl<'bound, D: Direction, E: Engine> Lent<'_, 'bound, D, E> {
    /// Returns the address at which the device reaches the memory, contiguously.
    ///
    /// Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.mapped.address
    }

    /// Returns the piece for the device.
    ///
    /// Context: any.
    #[inline]
    pub fn piece(&self) -> Piece<'_, D, E::Mark> {
        // SAFETY: The piece is all of the memory, which is not empty, and is mapped in direction `D` for
        // the device behind `E`. It is unmapped only after `self`, when the device has stopped.
        unsafe { Piece::new(self.mapped.address, self.mapped.size) }
    }

    /// Returns the number of bytes that are mapped.
    #[inline]
    pub fn size(&self) -> usize {
        self.mapped.size
    }

    /// Returns the device that the memory is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.mapped.dev
    }
}

/// Maps `memory`, gives it to the device behind `engine`, runs `f`, and unmaps it.
///
/// `f` starts the device and waits for it. When `f` returns, with or without an error, the device is
/// stopped unless it is idle, and the memory is unmapped and synced, so it holds what the device wrote.
///
/// A slice must come from `kmalloc()` or a slab cache: from a [`KBox`], a [`KVec`], or a [`KVVec`]
/// that is contiguous. [`Pages`] are lent as a whole. A slice of any other memory is refused, also one
/// of pages, of a [`DmaCoherent`](crate::DmaCoherent), or of another handle that does not map such a
/// buffer. Elements with a destructor are a build error.
///
/// C API: `dma_map_phys()`, `dma_unmap_phys()`. Context: any, if `f` does not sleep.
///
/// # Errors
///
/// Those of `f`, and before it runs:
///
/// - `EINVAL`: the memory is empty; it is a slice of the stack, a static, vmalloc or coherent memory,
///   pages, or anything else that is not `kmalloc()`'s or a slab cache's; it is longer than the
///   device's `max_segment_size`, or crosses its `segment_boundary`; or it does not start and end at a
///   multiple of [`cache_alignment`](DmaDevice::cache_alignment), the device writes to it, and the
///   kernel does not bounce memory of this size.
/// - `EIO`, `EOPNOTSUPP`, `ENOMEM`: as in [`DmaMapping::map`](super::DmaMapping::map).
///
/// # Examples
///
/// ```ignore,run
/// # fn read_sector<E>(_sector: u64, room: Piece<'_, FromDevice, E>) -> Result {
/// #     check(room.address() != 0 && room.len() == 512)
/// # }
/// # fn example<E: AlwaysStops>(dma: DmaDevice<'_>, engine: E) -> Result<KVec<u8>> {
/// let mut block = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
/// with_mapped(dma, &mut block[..], FromDevice, &engine, MapOptions::new(), |lent| {
///     read_sector(7, lent.piece())
/// })?;
/// # Ok(block)
/// # }
/// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
/// #     check(example(dma, engine)?.len() == 512)
/// # }
/// ```
pub fn with_mapped<'bound, M, D, E, R>(
    dev: DmaDevice<'bound>,
    mut memory: M,
    direction: D,
    engine: E,
    options: MapOptions,
    f: impl FnOnce(&Lent<'_, 'bound, D, E>) -> Result<R>,
) -> Result<R>
where
    M: Lend<D>,
    D: Direction,
    E: AlwaysStops,
{
    let _ = direction;
    let (addr, len) = memory.memory();
    check::<M, D>(dev, addr, len)?;

    // SAFETY: The memory is in the linear mapping: `check` found `Pages`, or the first and the last
    // byte of one object to be slab memory.
    let chunk = unsafe { linear_chunk(addr, len) };
    // The memory may belong to a mapping in the `Cpu` state. With cache maintenance the two share
    // lines, which is harmless in that state. But DMA debugging warns if mapping the second one syncs, so
    // sync it separately.
    let apart = cfg!(CONFIG_DMA_API_DEBUG) && dev.cache_alignment() != 1;
    let skip = if apart { MAPPED_FOR_CPU } else { 0 };
    // SAFETY: The chunk is in the linear mapping. It has elements without padding, so it is
    // initialised. `memory` borrows it until this function returns: exclusively, or shared with
    // readers while the device reads.
    let mapped = unsafe { Mapped::map::<D>(dev, chunk, options.attrs() | skip) }
        .map_err(|error| refusal::reason(dev, chunk, D::RAW, options.attrs(), error))?;
    if apart {
        // SAFETY: Mapped above in this direction, all of it; the CPU is done with it.
        unsafe { mapped.sync::<D, ForDevice>(0..mapped.size) };
    }

    let count = |change| {
        if counts::on() {
            dev.count(change, Kind::LENT, len);
        }
    };
    count(Change::Made);
    let result = f(&Lent {
        mapped: &mapped,
        _direction: PhantomData,
    });

    // The borrow ends when this function returns, so the device must be done before.
    while !engine::stop(&engine) {
        core::hint::spin_loop();
    }
    count(Change::Ended);
    // SAFETY: Mapped above in this direction, the device is done, and it is not used again.
    unsafe { mapped.unmap::<D>(UnmapAttrs::given_back::<D, Device<E>>()) };
    result
}

/// Checks that `len` bytes at `addr` can be lent.
fn check<M: Lend<D>, D: Direction>(dev: DmaDevice<'_>, addr: *const u8, len: usize) -> Result {
    if len == 0 {
        return Err(EINVAL);
    }
    // A list of what is allowed, so that any other kind of memory is refused.
    let can_be_lent = M::IS_PAGES || ffi::is_slab(addr, len);
    if !can_be_lent {
        return Err(EINVAL);
    }

    match Lines::written::<D>(dev) {
        // The rest of a larger allocation may be in use.
        Some(lines) => lines.check_piece(len as u64, || {
            (addr.addr() | len) & lines.unit().wrapping_sub(1) == 0
        }),
        None => Ok(()),
    }
}
