// SPDX-License-Identifier: GPL-2.0

//! Loop of a benchmark thread.

use super::{
    param::{
        Mode,
        Param,
        Way, //
    },
    totals::Totals, //
};
use crate::engine::Idle;
use dma_map::{
    direction::{
        Carries,
        Direction, //
    },
    sg::Prebuilt,
    Bidirectional,
    Device,
    DmaDevice,
    DmaMapping,
    FromDevice,
    Gfp,
    MapOptions,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::{
    error::to_result,
    page::PAGE_SIZE,
    prelude::*,
    time::{
        Instant,
        Monotonic, //
    }, //
};

extern "C" {
    fn dma_map_bench_uapi_threads(
        run: unsafe extern "C" fn(*mut c_void) -> c_int,
        arg: *mut c_void,
        threads: c_uint,
        node: c_int,
        seconds: c_uint,
    ) -> c_int;
    fn dma_map_bench_uapi_go_on() -> bool;
    fn dma_map_bench_uapi_delay(ns: c_uint);
}

/// The byte that buffers are filled with, so that they are in the cache.
const STAIN: u8 = 0x66;
static PAGE_OF_STAINS: [u8; PAGE_SIZE] = [STAIN; PAGE_SIZE];

/// State that all threads share.
struct Work<'b> {
    dev: DmaDevice<'b>,
    mode: Mode,
    way: Way,
    granule: usize,
    delay: u32,
    totals: Totals,
}

/// A buffer that is mapped and unmapped.
trait Buffer: Sized {
    /// The mapping of the buffer.
    type Mapped<'b, D: Direction>;

    /// Allocates `pages` pages.
    fn alloc(dev: DmaDevice<'_>, pages: usize) -> Result<Self>;

    /// Writes to each byte of the buffer.
    fn stain(&mut self) -> Result;

    fn map<D: Carries<u8>>(self, dev: DmaDevice<'_>, direction: D) -> Result<Self::Mapped<'_, D>>;

    fn unmap<D: Direction>(mapped: Self::Mapped<'_, D>) -> Result<Self>;
}

impl Buffer for KVec<u8> {
    type Mapped<'b, D: Direction> = DmaMapping<'b, Self, D, Device<Idle>>;

    fn alloc(_dev: DmaDevice<'_>, pages: usize) -> Result<Self> {
        let size = pages.checked_mul(PAGE_SIZE).ok_or(EINVAL)?;
        Ok(KVec::zeroed(size, GFP_KERNEL)?)
    }

    fn stain(&mut self) -> Result {
        self.fill(STAIN);
        Ok(())
    }

    #[inline(always)]
    fn map<D: Carries<u8>>(self, dev: DmaDevice<'_>, direction: D) -> Result<Self::Mapped<'_, D>> {
        Ok(DmaMapping::map(
            dev,
            self,
            direction,
            Idle,
            MapOptions::new(),
        )?)
    }

    #[inline(always)]
    fn unmap<D: Direction>(mapped: Self::Mapped<'_, D>) -> Result<Self> {
        Ok(mapped.unmap()?)
    }
}

impl Buffer for Prebuilt<PageList> {
    type Mapped<'b, D: Direction> = SgMapping<'b, Self, D, Device<Idle>>;

    fn alloc(dev: DmaDevice<'_>, pages: usize) -> Result<Self> {
        let pages = PageList::zeroed(pages, Gfp::Kernel)?;
        Ok(Prebuilt::new(dev, pages, Gfp::Kernel)?)
    }

    fn stain(&mut self) -> Result {
        for page in 0..self.buffer().page_count() {
            self.write(page.wrapping_mul(PAGE_SIZE), &PAGE_OF_STAINS)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn map<D: Carries<u8>>(self, dev: DmaDevice<'_>, direction: D) -> Result<Self::Mapped<'_, D>> {
        Ok(SgMapping::map(dev, self, direction, Idle, Gfp::Kernel)?)
    }

    #[inline(always)]
    fn unmap<D: Direction>(mapped: Self::Mapped<'_, D>) -> Result<Self> {
        Ok(mapped.unmap()?)
    }
}

impl Work<'_> {
    /// Maps and unmaps until the thread is to stop.
    ///
    /// # Errors
    ///
    /// `ENOMEM` for each failure to map, as in C's benchmark.
    fn rounds<B: Buffer, D: Carries<u8>>(&self, direction: D) -> Result {
        let mut buffer = B::alloc(self.dev, self.granule).map_err(|_| ENOMEM)?;

        // SAFETY: The function must be called by a kthread, as this is.
        while unsafe { dma_map_bench_uapi_go_on() } {
            if !matches!(self.way, Way::FromDevice) {
                buffer.stain()?;
            }

            let begin = Instant::<Monotonic>::now();
            let mapped = buffer.map(self.dev, direction).map_err(|_| ENOMEM)?;
            let map = begin.elapsed();

            // SAFETY: The function has no preconditions.
            unsafe { dma_map_bench_uapi_delay(self.delay) };

            let begin = Instant::<Monotonic>::now();
            buffer = B::unmap(mapped)?;
            self.totals.add(map, begin.elapsed());
        }
        Ok(())
    }

    fn of<B: Buffer>(&self) -> Result {
        match self.way {
            Way::Bidirectional => self.rounds::<B, _>(Bidirectional),
            Way::ToDevice => self.rounds::<B, _>(ToDevice),
            Way::FromDevice => self.rounds::<B, _>(FromDevice),
        }
    }

    /// Runs the rounds of a thread.
    ///
    /// # Safety
    ///
    /// `arg` must point to a `Work` that outlives the thread.
    unsafe extern "C" fn thread(arg: *mut c_void) -> c_int {
        // SAFETY: `arg` points to a live `Work` (safety requirements of this function), and no thread has
        // a mutable reference to it.
        let work = unsafe { &*arg.cast::<Self>() };

        let result = match work.mode {
            Mode::Single => work.of::<KVec<u8>>(),
            Mode::Sg => work.of::<Prebuilt<PageList>>(),
        };
        match result {
            Ok(()) => 0,
            Err(err) => err.to_errno(),
        }
    }
}

/// Runs the benchmark of `param`, and writes the result there.
///
/// # Errors
///
/// Those of starting threads, and `ENOMEM`.
pub(super) fn run(dev: DmaDevice<'_>, mode: Mode, way: Way, param: &mut Param) -> Result {
    let work = Work {
        dev,
        mode,
        way,
        granule: usize::try_from(param.granule)?,
        delay: param.dma_trans_ns,
        totals: Totals::default(),
    };

    // SAFETY: The threads share the work, which is `Sync`, and are gone when the function returns.
    to_result(unsafe {
        dma_map_bench_uapi_threads(
            Work::thread,
            core::ptr::from_ref(&work).cast_mut().cast(),
            param.threads,
            param.node,
            param.seconds,
        )
    })?;

    work.totals.write(param);
    Ok(())
}
