// SPDX-License-Identifier: GPL-2.0

//! Memory of user space, pinned for DMA without a copy.
//!
//! C headers: [`include/linux/uio.h`](srctree/include/linux/uio.h),
//! [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{
    buffer::SgBuffer,
    list::SgList, //
};
use crate::{
    direction::{
        private::{
            Crosses,
            Steady, //
        },
        Direction,
        FromDevice,
        ToDevice, //
    },
    generic::errno::from_errno,
    gfp::Gfp,
    sys::{
        chunk::{
            page_chunks,
            Chunk, //
        },
        deferral::{
            self,
            Pending, //
        },
        ffi, //
    },
};
use core::{
    marker::PhantomData,
    ptr::{
        null_mut,
        NonNull, //
    },
};
use kernel::{
    bindings,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

/// Pages that are pinned; unpinned on drop.
///
/// Not generic, so that all of its code is in this module: the work that a drop puts off is not
/// tied to a binding, and may run after the module that caused it is gone.
///
/// # Invariants
///
/// `pages` is an array of `kvmalloc` memory, of `count` pages, each of which is pinned; for writing
/// if `dirty`.
struct Pins {
    pages: NonNull<*mut bindings::page>,
    count: usize,
    dirty: bool,
}

// SAFETY: Pages can be unpinned by any thread, and there is no access to their contents.
unsafe impl Send for Pins {}

// SAFETY: As above.
unsafe impl Sync for Pins {}

impl Pins {
    /// The pages.
    #[inline]
    fn pages(&self) -> &[*mut bindings::page] {
        // SAFETY: By the type invariants.
        unsafe { core::slice::from_raw_parts(self.pages.as_ptr(), self.count) }
    }

    /// Unpins the pages where sleeping is legal.
    ///
    /// If there is no memory for that, they stay pinned: nobody is told, and nothing breaks.
    #[cold]
    #[inline(never)]
    fn put_off(&mut self) {
        let last = Self { ..*self };

        // SAFETY: Pages have no tie to a device, and this is the module's own code. The caller uses
        // `self` no more.
        unsafe { deferral::defer(None::<Pending>, move || drop(last)) };
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if !ffi::may_sleep() {
            return self.put_off();
        }

        // SAFETY: By the type invariants; this is the end of the value, and sleeping is legal.
        unsafe {
            bindings::unpin_user_pages_dirty_lock(
                self.pages.as_ptr(),
                self.count as c_ulong,
                self.dirty,
            );
            bindings::kvfree(self.pages.as_ptr().cast());
        }
    }
}

/// The element type of user memory that was pinned for direction `D`: it crosses in that one only.
///
/// What was pinned for reading may be a page of a file, or a page that a process shares with
/// another one until somebody writes to it, so a device must not write there.
pub struct UserBytes<D>(PhantomData<D>);

impl Crosses<UserBytes<ToDevice>> for ToDevice {}
impl Crosses<UserBytes<FromDevice>> for FromDevice {}

// User space writes to it, and nobody by a reference.
impl<D> Steady for UserBytes<D> {}

/// The pages behind a piece of user memory, unpinned on drop.
///
/// The device moves the data from or to the memory of the process itself. They stay in place while
/// they are pinned, also when the process unmaps them or ends.
///
/// User space can change the memory at any time, also while the device or the CPU reads it. So
/// there is no reference to it; the CPU gets copies ([`SgMapping::read`](crate::SgMapping::read)),
/// and a copy is what can be checked. When a mapping of it ends, by `unmap` or by a drop, user space finds
/// what the device wrote.
///
/// Pins of this type are for transfers, not for good: memory is pinned where it happens to be,
/// also in memory that is meant to be movable, and counts towards no limit. How much can be pinned
/// is the driver's to bound, by `max` and by the number of requests that it takes. Memory that user
/// space registers for long (`FOLL_LONGTERM`, with `RLIMIT_MEMLOCK`) is not covered.
///
/// C API: `iov_iter_extract_pages()`, `unpin_user_pages_dirty_lock()`. Drop context: any; where
/// the pages may not be unpinned, that is put off to a workqueue, and they stay pinned if there is
/// no memory for that.
///
/// # Invariants
///
/// - `pins` are the pages that `len` bytes from `offset` on take, pinned for writing if the device
///   writes in direction `D`.
/// - `len` is not 0, and `offset` less than `PAGE_SIZE`.
///
/// # Examples
///
/// ```ignore
/// # const MAX: usize = 1 << 20;
/// # fn example<E: Engine>(
/// #     dma: DmaDevice<'_>,
/// #     from: &mut IovIterSource<'_>,
/// #     engine: E,
/// # ) -> Result {
/// // In the file's write operation:
/// let len = from.len().min(MAX);
/// let pages = SgList::from_source(from, len, Gfp::Kernel)?;
/// let mapping = SgMapping::map(dma, pages, ToDevice, engine, Gfp::Kernel)?;
/// // ...
/// # Ok(())
/// # }
/// ```
pub struct UserPages<D: Direction> {
    pins: Pins,
    offset: usize,
    len: usize,
    _direction: PhantomData<D>,
}

impl UserPages<ToDevice> {
    /// Pins the next piece of `iov` for the device to read, and moves `iov` behind it.
    ///
    /// A piece is contiguous in user space, and at most `max` bytes; it ends with a segment of the
    /// vector at the latest, or where memory cannot be pinned. [`SgList::from_source`] takes as
    /// many as there are.
    ///
    /// Context: process; may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `max` is 0, or nothing is left.
    /// - `EOPNOTSUPP`: the memory is not user space's.
    /// - `EFAULT`: the memory cannot be read, or is not memory (device registers).
    /// - `ENOMEM`.
    pub fn from_source(iov: &mut IovIterSource<'_>, max: usize) -> Result<Self> {
        // SAFETY: The vector is valid, and a source.
        unsafe { Self::extract(iov.as_raw(), max) }
    }
}

impl UserPages<FromDevice> {
    /// Pins the next piece of `iov` for the device to write to, and moves `iov` behind it.
    ///
    /// As [`from_source`](UserPages::from_source); `EFAULT` if the memory cannot be written.
    pub fn from_dest(iov: &mut IovIterDest<'_>, max: usize) -> Result<Self> {
        // SAFETY: The vector is valid, and a destination.
        unsafe { Self::extract(iov.as_raw(), max) }
    }
}

impl<D: Direction> UserPages<D> {
    /// Pins the next piece of `iov`.
    ///
    /// # Safety
    ///
    /// `iov` must be valid, and a destination if the device writes in direction `D`.
    unsafe fn extract(iov: *mut bindings::iov_iter, max: usize) -> Result<Self> {
        // SAFETY: By the safety requirements of this function.
        let kind = u32::from(unsafe { (*iov).iter_type });
        // SAFETY: As above; the field is always there.
        let left = unsafe { (*iov).__bindgen_anon_1.__bindgen_anon_1.as_ref().count };
        if max == 0 || left == 0 {
            return Err(EINVAL);
        }
        // Pages of a vector that is not user space's would be listed, and not held.
        if kind != bindings::iter_type_ITER_UBUF && kind != bindings::iter_type_ITER_IOVEC {
            return Err(EOPNOTSUPP);
        }

        let mut pages = null_mut();
        let mut offset = 0;
        // SAFETY: By the safety requirements of this function. An array that is NULL is allocated.
        let len = unsafe {
            bindings::iov_iter_extract_pages(iov, &mut pages, max, u32::MAX, 0, &mut offset)
        };

        match (usize::try_from(len), NonNull::new(pages)) {
            // INVARIANT: The function has pinned the pages of `len` bytes, for writing if `iov` is
            // a destination.
            (Ok(len @ 1..), Some(pages)) => Ok(Self {
                pins: Pins {
                    pages,
                    // The pages exist, so the sum does not wrap.
                    count: offset.wrapping_add(len).div_ceil(PAGE_SIZE),
                    dirty: D::DEVICE_WRITES,
                },
                offset,
                len,
                _direction: PhantomData,
            }),
            // CAST: An error is a small number. The function has freed the array.
            (Err(_), _) => Err(from_errno(len as c_int)),
            (Ok(_), _) => Err(EFAULT),
        }
    }

    /// Returns where the data start in the first page, in bytes.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the number of pages.
    #[inline]
    pub fn page_count(&self) -> usize {
        self.pins.count
    }
}

// SAFETY: The chunks are pages that are pinned (type invariant), so they stay in place; they are
// accessed by user space, and by the CPU in no other way than by copies. Where user space has one
// page twice, there is no kernel memory to be mixed up.
unsafe impl<D: Direction> SgBuffer for UserPages<D> {
    type Element = UserBytes<D>;

    const DROP_MAY_SLEEP: bool = true;
    const USER: bool = true;

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn page_chunks(&self) -> Option<usize> {
        Some(self.pins.count)
    }

    fn try_for_each_page(
        &self,
        mut f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        let mut offset = self.offset;
        let mut left = self.len;

        for &page in self.pins.pages() {
            let len = left.min(PAGE_SIZE.wrapping_sub(offset));
            f(page, offset, len)?;
            left = left.wrapping_sub(len);
            offset = 0;
        }

        Ok(())
    }

    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
        // SAFETY: It is called with the pages that are pinned (type invariants of `Pins`).
        self.try_for_each_page(unsafe { page_chunks(f) })
    }

    fn whole_lines(&self, line: usize) -> bool {
        // `line` is a power of two; the sum does not wrap, as the pages exist.
        (self.offset | self.offset.wrapping_add(self.len)) & line.wrapping_sub(1) == 0
    }
}

/// Calls `next` for pieces until `len` bytes are there, of `left` that there can be.
fn gather<D: Direction>(
    left: usize,
    len: usize,
    gfp: Gfp,
    mut next: impl FnMut(usize) -> Result<UserPages<D>>,
) -> (usize, Result<SgList<UserPages<D>>>) {
    let mut list = SgList::new();
    let mut done: usize = 0;

    if len == 0 || len > left {
        return (0, Err(EINVAL));
    }
    while done < len {
        let piece = match next(len.wrapping_sub(done)) {
            Ok(piece) => piece,
            Err(error) => return (done, Err(error)),
        };
        // Not beyond `len`.
        done = done.wrapping_add(piece.len());
        if let Err(failed) = list.push(piece, gfp) {
            return (done, Err(failed.error));
        }
    }

    (done, Ok(list))
}

impl SgList<UserPages<ToDevice>> {
    /// Pins the next `len` bytes of `iov` for the device to read, and moves `iov` behind them.
    ///
    /// `gfp` is for the list; pinning itself sleeps. Context: process; may sleep.
    ///
    /// # Errors
    ///
    /// Nothing is pinned, and `iov` is where it was, after each of them:
    ///
    /// - `EINVAL`: `len` is 0, or more than there is.
    /// - Those of [`UserPages::from_source`].
    pub fn from_source(iov: &mut IovIterSource<'_>, len: usize, gfp: Gfp) -> Result<Self> {
        let (done, result) = gather(iov.len(), len, gfp, |max| UserPages::from_source(iov, max));

        result.inspect_err(|_| {
            // SAFETY: The vector was moved by `done` bytes since the call.
            unsafe { iov.revert(done) }
        })
    }
}

impl SgList<UserPages<FromDevice>> {
    /// Pins the next `len` bytes of `iov` for the device to write to, and moves `iov` behind them.
    ///
    /// As [`from_source`](SgList::from_source); `EFAULT` if the memory cannot be written.
    pub fn from_dest(iov: &mut IovIterDest<'_>, len: usize, gfp: Gfp) -> Result<Self> {
        let (done, result) = gather(iov.len(), len, gfp, |max| UserPages::from_dest(iov, max));

        result.inspect_err(|_| {
            // SAFETY: The vector was moved by `done` bytes since the call.
            unsafe { iov.revert(done) }
        })
    }
}
