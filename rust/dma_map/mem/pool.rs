// SPDX-License-Identifier: GPL-2.0

//! Pools of small coherent blocks of one type.
//!
//! C header: [`include/linux/dmapool.h`](srctree/include/linux/dmapool.h)
//!
//! # What a pool trusts the device with
//!
//! The C code keeps its list of free blocks in the free blocks themselves, and an IOMMU maps whole
//! pages. So a device that writes where it was not told to, in a page of which it got one block, can
//! lead the kernel astray. A device that is not trusted that far gets
//! [`DmaCoherent`](crate::DmaCoherent), which has its pages to itself.

mod block;
mod destroy;
mod layout;
mod options;

pub use self::{
    block::{
        PoolBlock,
        PoolRef, //
    },
    options::PoolOptions, //
};

use self::{
    destroy::Destroy,
    layout::Layout, //
};
use crate::{
    device::DmaDevice,
    gfp::Gfp,
    sys::ledger, //
};
use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr::NonNull,
    // Those of the `kernel` crate are calls on a kernel built with gcc.
    sync::atomic::{
        AtomicUsize,
        Ordering::Relaxed, //
    },
};
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// A pool of coherent blocks, each of which holds a `T`.
///
/// Coherent memory comes in pages; a pool is for what is smaller. A block ([`PoolBlock`]) keeps its
/// pool alive, by a borrow or by an [`Arc`](kernel::sync::Arc), whichever the driver passes to
/// [`PoolBlock::zeroed`].
///
/// What a block costs is what it costs in C, and one relaxed atomic addition: the pool counts its
/// blocks. A block that is leaked (`mem::forget`), or quarantined, never comes back, and a device
/// may still know its address. A pool that is dropped with such blocks outstanding is therefore
/// not destroyed: it is leaked as a whole, its blocks are counted in
/// [`DmaDevice::quarantined`], and none of its memory is used again.
///
/// C API: `dma_pool_create()`, `dma_pool_destroy()`. Drop context: any; where `dma_pool_destroy()`
/// is not legal, it is put off to a workqueue.
///
/// # Invariants
///
/// - `raw` is a pool of `dev` that this handle owns; its blocks are large enough and aligned for a
///   `T`.
/// - Unless `beyond_segments`, blocks are within the limits of segments that the driver has stated, as
///   far as the layout decides it: up to a page. What is larger is looked at when it is taken.
/// - `outstanding` is the number of blocks that were taken from it and did not come back.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct PrpList { entries: [u64; 512] }
/// # const PRP2: usize = 0x10;
/// # let address = 0x1000;
/// // Pages of descriptors: aligned to 4 KiB, not crossing 4 KiB.
/// let pool = DmaPool::<PrpList>::with::<4096, 4096>(dma, c"prp list")?;
/// let mut list = PoolBlock::zeroed(&pool, Gfp::Atomic)?;
/// list.entries[0] = address;
/// let list = list.give(engine);
/// regs.try_write64(list.dma_address(), PRP2)?;
/// ```
pub struct DmaPool<'bound, T> {
    dev: DmaDevice<'bound>,
    raw: NonNull<bindings::dma_pool>,
    beyond_segments: bool,
    outstanding: AtomicUsize,
    /// Of those, how many are counted as quarantined already.
    quarantined: AtomicUsize,
    // Not dropped with a pool that is leaked.
    destroy: ManuallyDrop<Pin<KBox<Destroy>>>,
    _block: PhantomData<fn() -> T>,
}

impl<'bound, T: FromBytes + IntoBytes> DmaPool<'bound, T> {
    /// Makes a pool whose blocks are aligned for `T`.
    ///
    /// A block of up to a page lies within one page.
    ///
    /// A `T` of 128 KiB and more, without size, or that needs dropping, is a build error.
    ///
    /// C API: `dma_pool_create()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: a `T` is beyond the `max_segment_size` or the `segment_boundary` that the driver has
    ///   stated, unless the options say
    ///   [`beyond_segment_limits`](PoolOptions::beyond_segment_limits).
    /// - `ENOMEM`.
    #[inline]
    pub fn new<'a>(dev: DmaDevice<'bound>, options: impl Into<PoolOptions<'a>>) -> Result<Self> {
        Self::create(dev, options.into(), const { Layout::constant::<T>(1, 0) })
    }

    /// Makes a pool whose blocks are aligned to `ALIGN` bytes too, and do not cross a multiple of
    /// `BOUNDARY` bytes.
    ///
    /// What [`try_with`](Self::try_with) refuses is a build error here.
    ///
    /// C API, context, errors: as [`new`](Self::new).
    #[inline]
    pub fn with<'a, const ALIGN: usize, const BOUNDARY: usize>(
        dev: DmaDevice<'bound>,
        options: impl Into<PoolOptions<'a>>,
    ) -> Result<Self> {
        let layout = const { Layout::constant::<T>(ALIGN, BOUNDARY) };

        Self::create(dev, options.into(), layout)
    }

    /// Makes a pool whose blocks are aligned to `align` bytes too, and do not cross a multiple of
    /// `boundary` bytes; a `boundary` of 0 is none.
    ///
    /// C API, context: as [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `align` is not a power of two, or is more than a page.
    /// - `EINVAL`: `boundary` is not a power of two, or a block does not fit within it. A block
    ///   takes the size of `T`, 16 bytes at least, rounded up to the alignment.
    /// - `EINVAL`: a block takes 128 KiB or more.
    /// - Those of [`new`](Self::new).
    #[inline]
    pub fn try_with<'a>(
        dev: DmaDevice<'bound>,
        options: impl Into<PoolOptions<'a>>,
        align: usize,
        boundary: usize,
    ) -> Result<Self> {
        const { layout::assert_element::<T>() };

        Self::create(dev, options.into(), Layout::new::<T>(align, boundary)?)
    }

    fn create(
        dev: DmaDevice<'bound>,
        options: PoolOptions<'_>,
        mut layout: Layout,
    ) -> Result<Self> {
        if !options.beyond_segments {
            layout = layout.within(dev.reach())?;
        }
        // Reserved now, so that the drop of a pool cannot fail.
        let destroy = Destroy::new()?;
        let line = ledger::Line::new()?;

        // SAFETY: `dev` is bound, and the name is a valid C string, which is copied.
        let raw = unsafe {
            bindings::dma_pool_create_node(
                options.name.as_char_ptr(),
                dev.as_raw(),
                layout.size,
                layout.align,
                layout.boundary,
                bindings::NUMA_NO_NODE,
            )
        };

        // The layout is one that the function takes.
        let raw = NonNull::new(raw).ok_or(ENOMEM)?;
        line.enter(dev.as_raw(), || ledger::Entry::Pool { pool: raw });

        // INVARIANT: Made above, for the size and the alignment of `T`; no block was taken.
        Ok(Self {
            dev,
            raw,
            beyond_segments: options.beyond_segments,
            outstanding: AtomicUsize::new(0),
            quarantined: AtomicUsize::new(0),
            destroy: ManuallyDrop::new(destroy),
            _block: PhantomData,
        })
    }

    /// Takes a block of zeroes.
    #[inline]
    fn take_zeroed(&self, gfp: Gfp) -> Result<(NonNull<T>, DmaAddress)> {
        // A few stores are cheaper than the `memset()` in C, which does not know the size.
        const FEW: usize = 128;

        if size_of::<T>() > FEW {
            return self.take(gfp, bindings::__GFP_ZERO);
        }
        let (cpu, dma) = self.take(gfp, 0)?;
        // SAFETY: The block is large enough for a `T`, and nobody else has it.
        unsafe { cpu.write_bytes(0, 1) };
        Ok((cpu, dma))
    }

    /// Takes a block, which holds anything unless `flags` ask for zeroes.
    #[inline]
    fn take(&self, gfp: Gfp, flags: bindings::gfp_t) -> Result<(NonNull<T>, DmaAddress)> {
        let line = ledger::Line::new()?;
        let mut dma = MaybeUninit::<DmaAddress>::uninit();
        // SAFETY: By the type invariants the pool is valid, and its device is bound.
        let cpu = unsafe {
            bindings::dma_pool_alloc(self.raw.as_ptr(), gfp.as_raw() | flags, dma.as_mut_ptr())
        };
        let cpu = NonNull::new(cpu).ok_or(ENOMEM)?;
        // SAFETY: The function has written it, because it did not fail.
        let dma = unsafe { dma.assume_init() };
        line.enter(self.dev.as_raw(), || self.entry(cpu, dma));

        // The drop of the pool sees all of these: it comes after them by the borrow, or by the
        // reference count.
        self.outstanding.fetch_add(1, Relaxed);
        // A block of more than a page, which costs others nothing, is where the DMA API has found it.
        if self.dev.reach().crosses_coherent(dma, size_of::<T>()) && !self.beyond_segments {
            // SAFETY: Taken above, and not used.
            unsafe { self.put(cpu.cast(), dma) };
            return Err(EIO);
        }
        Ok((cpu.cast(), dma))
    }
}

impl<'bound, T> DmaPool<'bound, T> {
    /// Returns the device that the pool allocates for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    /// Returns how many blocks are taken: those in use, those leaked and those quarantined.
    ///
    /// Context: any.
    #[inline]
    pub fn outstanding(&self) -> usize {
        self.outstanding.load(Relaxed)
    }

    /// The pool, for a part of the time for which its device is bound.
    #[inline(always)]
    fn shorter(&self) -> &DmaPool<'_, T> {
        // SAFETY: Only a lifetime changes, which is not one of memory. What holds during `'bound` holds
        // while this is borrowed, and by a shared reference nothing that is bound for less time gets into
        // a pool: all that changes are counters.
        unsafe { &*core::ptr::from_ref(self).cast() }
    }

    /// Putting a block back, for the ledger.
    #[inline]
    fn entry(&self, cpu: NonNull<c_void>, dma: DmaAddress) -> ledger::Entry {
        ledger::Entry::Block {
            pool: self.raw,
            cpu,
            dma,
        }
    }

    /// Puts a block back.
    ///
    /// # Safety
    ///
    /// The arguments must be those of one [`take`](Self::take), of a block that neither the caller
    /// nor a device uses any more.
    #[inline]
    unsafe fn put(&self, cpu: NonNull<T>, dma: DmaAddress) {
        ledger::strike(self.dev.as_raw(), || self.entry(cpu.cast(), dma));
        // SAFETY: By the safety requirements of this function, and the type invariants.
        unsafe { bindings::dma_pool_free(self.raw.as_ptr(), cpu.as_ptr().cast(), dma) };
        self.outstanding.fetch_sub(1, Relaxed);
    }

    /// Counts a block that a device still uses.
    #[cold]
    fn quarantine(&self) {
        self.quarantined.fetch_add(1, Relaxed);
        self.dev.quarantine(size_of::<T>());
    }
}

impl<T> Drop for DmaPool<'_, T> {
    fn drop(&mut self) {
        let outstanding = *self.outstanding.get_mut();
        if outstanding != 0 {
            let leaked = outstanding.saturating_sub(*self.quarantined.get_mut());
            let bytes = leaked.saturating_mul(size_of::<T>());
            self.dev.quarantine(bytes);
            return;
        }

        ledger::strike(self.dev.as_raw(), || ledger::Entry::Pool { pool: self.raw });
        // SAFETY: `destroy` is not used again.
        let destroy = unsafe { ManuallyDrop::take(&mut self.destroy) };
        // SAFETY: By the type invariants the pool is ours, and all of its blocks are back. Its
        // device is bound, and stays so until what is put off has run.
        unsafe { destroy::destroy(destroy, self.raw, self.dev) };
    }
}

// SAFETY: The handle owns the pool, which any thread may use and destroy. There are no `T`s in it.
unsafe impl<T> Send for DmaPool<'_, T> {}

// SAFETY: The C functions lock.
unsafe impl<T> Sync for DmaPool<'_, T> {}
