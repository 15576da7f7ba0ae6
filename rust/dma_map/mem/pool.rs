// SPDX-License-Identifier: GPL-2.0

//! Pools of small coherent blocks of one type.
//!
//! C header: [`include/linux/dmapool.h`](srctree/include/linux/dmapool.h)
//!
//! # Trust in the device
//!
//! The C code keeps its list of free blocks in the free blocks themselves, and an IOMMU maps whole
//! pages. So a device that owns one block of a page, and writes elsewhere in that page, can corrupt the
//! list. For a device that is not trusted that far, use [`DmaCoherent`](crate::DmaCoherent), which
//! shares no page.

mod block;
mod layout;
mod options;

pub use self::{
    block::{
        PoolBlock,
        PoolRef, //
    },
    options::PoolOptions, //
};

use self::layout::Layout;
use super::deferred;
use crate::{
    device::DmaDevice,
    gfp::Gfp,
    sys::{
        deferral::Job,
        leak_tracking, //
    },
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
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
/// Coherent memory is allocated in pages; a pool is for smaller objects. A block ([`PoolBlock`]) keeps
/// its pool alive, by a borrow or by an [`Arc`](kernel::sync::Arc), whichever the driver passes to
/// [`PoolBlock::zeroed`].
///
/// A block costs what it costs in C, and one relaxed atomic addition, because the pool counts its
/// blocks. A block that is leaked (`mem::forget`) or quarantined never comes back, and a device may
/// still know its address. So a pool that is dropped with such blocks outstanding is not destroyed but
/// leaked as a whole. Its blocks are counted in [`DmaDevice::quarantined`], and none of its memory is
/// used again.
///
/// C API: `dma_pool_create()`, `dma_pool_destroy()`. Drop context: any; where `dma_pool_destroy()` is
/// not legal, a workqueue calls it.
///
/// # Invariants
///
/// - `raw` is a pool of `dev` that this handle owns. Its blocks are large enough and aligned for a `T`.
/// - Unless `beyond_segments`, blocks of up to a page are within the segment limits that the driver has
///   stated, by their layout. Larger ones are checked when they are taken.
/// - `outstanding` is the number of blocks that were taken and have not come back.
///
/// # Examples
///
/// ```ignore,run
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
/// # check(list.dma_address() % 4096 == 0 && list.complete()?.entries[0] == address)?;
/// ```
pub struct DmaPool<'bound, T> {
    dev: DmaDevice<'bound>,
    raw: NonNull<bindings::dma_pool>,
    beyond_segments: bool,
    outstanding: AtomicUsize,
    /// The number of outstanding blocks that are counted as quarantined already.
    quarantined: AtomicUsize,
    /// Destroys the pool; taken by the drop.
    destroy: Option<Pin<KBox<Job>>>,
    _block: PhantomData<fn() -> T>,
}

impl<'bound, T: FromBytes + IntoBytes> DmaPool<'bound, T> {
    /// Makes a pool of blocks that are aligned for `T`.
    ///
    /// A block of up to a page lies within one page.
    ///
    /// A `T` of 128 KiB or more, without size, or that needs dropping, is a build error.
    ///
    /// C API: `dma_pool_create()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: a `T` is beyond the `max_segment_size` or the `segment_boundary` that the driver has
    ///   stated, unless the options say [`beyond_segment_limits`](PoolOptions::beyond_segment_limits).
    /// - `ENOMEM`.
    #[inline]
    pub fn new<'a>(dev: DmaDevice<'bound>, options: impl Into<PoolOptions<'a>>) -> Result<Self> {
        Self::create(dev, options.into(), const { Layout::constant::<T>(1, 0) })
    }

    /// Makes a pool of blocks that are also aligned to `ALIGN` bytes, and do not cross a multiple of
    /// `BOUNDARY` bytes.
    ///
    /// What [`try_with`](Self::try_with) refuses with `EINVAL` for these is a build error here.
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

    /// Makes a pool of blocks that are also aligned to `align` bytes, and do not cross a multiple of
    /// `boundary` bytes. A `boundary` of 0 means no boundary.
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
            layout = layout.within(dev.constraints())?;
        }
        // Allocated here, so that the drop of a pool cannot fail.
        let destroy = Job::new(Gfp::Kernel)?;
        let tracked = leak_tracking::ListNode::new()?;

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

        // `dma_pool_create()` accepts the layout, so it fails for lack of memory only.
        let raw = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: Made above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || leak_tracking::Entry::Pool { pool: raw }) };

        // INVARIANT: Made above, with the size and the alignment of `T`. No block was taken yet.
        Ok(Self {
            dev,
            raw,
            beyond_segments: options.beyond_segments,
            outstanding: AtomicUsize::new(0),
            quarantined: AtomicUsize::new(0),
            destroy: Some(destroy),
            _block: PhantomData,
        })
    }

    /// Takes a zeroed block.
    #[inline]
    fn take_zeroed(&self, gfp: Gfp) -> Result<(NonNull<T>, DmaAddress)> {
        // A few stores are faster than C's `memset()`, which does not know the size.
        const FEW: usize = 128;

        if size_of::<T>() > FEW {
            return self.take(gfp, bindings::__GFP_ZERO);
        }
        let (cpu, dma) = self.take(gfp, 0)?;
        // SAFETY: The block is large enough for a `T`, and this function owns it.
        unsafe { cpu.write_bytes(0, 1) };
        Ok((cpu, dma))
    }

    /// Takes a block with arbitrary contents, or zeroes if `flags` ask for them.
    #[inline]
    fn take(&self, gfp: Gfp, flags: bindings::gfp_t) -> Result<(NonNull<T>, DmaAddress)> {
        let tracked = leak_tracking::ListNode::new()?;
        let mut dma = MaybeUninit::<DmaAddress>::uninit();
        // SAFETY: By the type invariants the pool is valid, and its device is bound.
        let cpu = unsafe {
            bindings::dma_pool_alloc(self.raw.as_ptr(), gfp.as_raw() | flags, dma.as_mut_ptr())
        };
        let cpu = NonNull::new(cpu).ok_or(ENOMEM)?;
        // SAFETY: The function has not failed, so it has written the address.
        let dma = unsafe { dma.assume_init() };
        // SAFETY: Made above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(self.dev.as_raw(), || self.entry(cpu, dma)) };

        // The drop of the pool sees these: the borrow or the reference count orders it after them.
        self.outstanding.fetch_add(1, Relaxed);
        // The layout does not decide the address of a block of more than a page.
        if self.dev.constraints().crosses_coherent(dma, size_of::<T>()) && !self.beyond_segments {
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

    /// Shortens the lifetime of the pool's binding.
    #[inline(always)]
    fn shorter(&self) -> &DmaPool<'_, T> {
        // SAFETY: Only the binding's lifetime changes, and no memory is freed at its end. What holds
        // during `'bound` holds while the pool is borrowed. A shared reference changes only the
        // counters, so nothing with a shorter lifetime gets into the pool.
        unsafe { &*core::ptr::from_ref(self).cast() }
    }

    /// Returns the entry of a block in leak tracking.
    #[inline]
    fn entry(&self, cpu: NonNull<c_void>, dma: DmaAddress) -> leak_tracking::Entry {
        leak_tracking::Entry::Block {
            pool: self.raw,
            cpu,
            dma,
        }
    }

    /// Puts a block back.
    ///
    /// # Safety
    ///
    /// The arguments must be those of one [`take`](Self::take). Neither the caller nor a device may use
    /// the block any more.
    #[inline]
    unsafe fn put(&self, cpu: NonNull<T>, dma: DmaAddress) {
        leak_tracking::untrack(self.dev.as_raw(), || self.entry(cpu.cast(), dma));
        // SAFETY: By the type invariants the pool is valid. The caller guarantees that the block was
        // taken from it, and is unused.
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
            // All of the pool stays, because its blocks do.
            core::mem::forget(self.destroy.take());
            return;
        }

        leak_tracking::untrack(self.dev.as_raw(), || leak_tracking::Entry::Pool {
            pool: self.raw,
        });
        if let Some(job) = self.destroy.take() {
            // SAFETY: By the type invariants this owns the pool, and all of its blocks are back. The
            // device is bound until the deferred work has run.
            unsafe { deferred::run(job, self.dev, destroy, self.raw.cast()) };
        }
    }
}

/// Destroys a pool. Not inlined, so that the function is in this module.
///
/// # Safety
///
/// `pool` must be a `struct dma_pool` of a bound device, without outstanding blocks. The caller gives it
/// away, and may sleep.
#[inline(never)]
unsafe fn destroy(pool: NonNull<c_void>) {
    // SAFETY: By the preconditions of this function.
    unsafe { bindings::dma_pool_destroy(pool.cast().as_ptr()) };
}

// SAFETY: The handle owns the pool. Any thread may use and destroy it, and it holds no `T`.
unsafe impl<T> Send for DmaPool<'_, T> {}

// SAFETY: The C functions take the pool's lock, and the counters are atomic.
unsafe impl<T> Sync for DmaPool<'_, T> {}
