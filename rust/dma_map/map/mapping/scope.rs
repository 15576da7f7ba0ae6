// SPDX-License-Identifier: GPL-2.0

//! Mappings of memory that the caller keeps.
//!
//! A mapping that owns its buffer can be leaked, and quarantined when the device does not stop.
//! Borrowed memory can't: its owner uses it, or frees it, when the borrow ends, whatever became of
//! the mapping. So such a mapping
//!
//! - lives in a function that unmaps it on every way out, and is shown to the caller's closure by
//!   reference only, so that it can't be forgotten;
//! - takes engines that [always stop](AlwaysStops), and waits for one that does not after all.
//!
//! Memory whose device may refuse to stop is owned by a [`DmaMapping`](super::DmaMapping).

use super::mapped::{
    self,
    Mapped, //
};
use crate::{
    buf::pages::Pages,
    device::{
        lines::Lines,
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
        /// Whether the type says that the memory is in the linear mapping, and of whole pages.
        const IS_PAGES: bool = false;

        /// Returns where the memory is, and how many bytes it has.
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
            // The device writes by way of this pointer.
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
            // The device writes by way of this pointer.
            let start = self.as_mut_ptr();
            (start.cast_const(), self.len())
        }
    }
}

/// Memory that can be lent to a device in direction `D`: `&[T]` and `&Pages` for [`ToDevice`],
/// `&mut [T]` and `&mut Pages` for each of them.
///
/// While it is lent it is borrowed, so nobody accesses it.
pub trait Lend<D: Direction>: private::Sealed {}

// The CPU may read meanwhile, as the device does; `Immutable` keeps it from writing.
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
        self.mapped.address()
    }

    /// Returns what to tell the device.
    ///
    /// Context: any.
    #[inline]
    pub fn piece(&self) -> Piece<'_, D, E::Mark> {
        // SAFETY: All of the memory, which is not empty; it is mapped in this direction, and that of the
        // device behind `E`, which is asked before it goes, as long as `self` can be borrowed.
        unsafe { Piece::new(self.mapped.address(), self.mapped.size()) }
    }

    /// Returns the number of bytes that are mapped.
    #[inline]
    pub fn size(&self) -> usize {
        self.mapped.size()
    }

    /// Returns the device that the memory is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.mapped.device()
    }
}

/// Maps `memory`, gives it to the device behind `engine`, runs `f`, and takes it back.
///
/// `f` starts the device and waits for it. When `f` returns, in whatever way, a device that is not
/// idle is stopped, and the memory is unmapped and synced, so it holds what the device wrote.
///
/// A slice must come from `kmalloc()` or a slab cache: from a [`KBox`], a [`KVec`], or a [`KVVec`]
/// that is contiguous. [`Pages`] are lent as a whole. A slice of other memory is refused, whatever
/// it is: also one of pages, of a [`DmaCoherent`](crate::DmaCoherent), or of another handle that is
/// not a mapping of such a buffer. Elements that need dropping are a build error.
///
/// C API: `dma_map_phys()`, `dma_unmap_phys()`. Context: any, if `f` does not sleep.
///
/// # Errors
///
/// Those of `f`, and before it runs:
///
/// - `EINVAL`: the memory is empty; it is a slice of the stack, a static, vmalloc or coherent memory,
///   pages, or anything else that is not `kmalloc()`'s or a slab cache's; it is longer than the
///   device's `max_segment_size`, or lies across its `segment_boundary`; or it does not begin and
///   end at a multiple of [`cache_alignment`](DmaDevice::cache_alignment), the device writes to it, and
///   the kernel does not bounce memory of this size for that.
/// - `EIO`, `EOPNOTSUPP`, `ENOMEM`: as in [`DmaMapping::map`](super::DmaMapping::map).
///
/// # Examples
///
/// ```ignore
/// # fn read_sector<E>(_sector: u64, _room: Piece<'_, FromDevice, E>) -> Result {
/// #     Ok(())
/// # }
/// # fn example<E: AlwaysStops>(dma: DmaDevice<'_>, engine: E) -> Result<KVec<u8>> {
/// let mut block = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
/// with_mapped(dma, &mut block[..], FromDevice, &engine, MapOptions::new(), |lent| {
///     read_sector(7, lent.piece())
/// })?;
/// # Ok(block)
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

    // SAFETY: The memory is in the linear mapping: it is one object, so what holds for the first
    // and the last byte holds for all of it; or it is `Pages`.
    let chunk = unsafe { linear_chunk(addr, len) };
    // The memory may be that of a mapping that the CPU has. Where caches are maintained, the two share
    // lines, which does no harm while the CPU has the other one; but DMA debugging would complain of
    // the second that syncs by being mapped.
    let apart = cfg!(CONFIG_DMA_API_DEBUG) && dev.cache_alignment() != 1;
    let skip = if apart { MAPPED_FOR_CPU } else { 0 };
    // SAFETY: As above. It holds elements without padding, so it is initialised. `memory` borrows
    // it until this function returns: exclusively, or shared by readers while the device reads.
    let mapped = unsafe { Mapped::map::<D>(dev, chunk, options.attrs() | skip) }
        .map_err(|error| mapped::reason::<D>(dev, chunk, options.attrs(), error))?;
    if apart {
        // SAFETY: Mapped above in this direction, all of it; the CPU is done with it.
        unsafe { mapped.sync_for_device::<D>(0..mapped.size()) };
    }

    let result = f(&Lent {
        mapped: &mapped,
        _direction: PhantomData,
    });

    // The caller has the memory again when this returns, so it does not before the device is done.
    while !engine::stop(&engine) {
        core::hint::spin_loop();
    }
    // SAFETY: Mapped above in this direction, the device is done, and it is not used again.
    unsafe { mapped.unmap::<D>(UnmapAttrs::given_back::<D, Device<E>>()) };
    result
}

/// Checks that `len` bytes at `addr` can be lent.
fn check<M: Lend<D>, D: Direction>(dev: DmaDevice<'_>, addr: *const u8, len: usize) -> Result {
    if len == 0 {
        return Err(EINVAL);
    }
    // What it is, and not what it is not: a kind of memory that nobody thought of is refused.
    let can_be_lent = M::IS_PAGES || ffi::is_slab(addr, len);
    if !can_be_lent {
        return Err(EINVAL);
    }

    match Lines::written::<D>(dev) {
        // Of an allocation that is larger, the rest may be in use.
        Some(lines) => lines.check_piece(len as u64, || {
            (addr.addr() | len) & lines.unit().wrapping_sub(1) == 0
        }),
        None => Ok(()),
    }
}
