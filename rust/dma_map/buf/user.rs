// SPDX-License-Identifier: GPL-2.0

//! User memory, pinned for zero-copy DMA.
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
        deferral::{
            self,
            DeferredCount, //
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

/// Pinned pages; unpinned on drop.
///
/// Not generic, so that all of its code is in this module: deferred unpinning is not tied to a binding,
/// and may run after the driver's module is unloaded.
///
/// # Invariants
///
/// `pages` is a `kvmalloc()` array of `count` pages. Each of them is pinned, for writing if `dirty`.
struct Pins {
    pages: NonNull<*mut bindings::page>,
    count: usize,
    dirty: bool,
}

// SAFETY: Pages can be unpinned by any thread, and there is no access to their contents.
unsafe impl Send for Pins {}

// SAFETY: Shared references only read the array.
unsafe impl Sync for Pins {}

impl Pins {
    /// Returns the pages.
    #[inline]
    fn pages(&self) -> &[*mut bindings::page] {
        // SAFETY: By the type invariants the array has `count` pages; only its owner frees it.
        unsafe { core::slice::from_raw_parts(self.pages.as_ptr(), self.count) }
    }

    /// Defers unpinning to a context that may sleep.
    ///
    /// If there is no memory to defer it, the pages stay pinned; nothing reports that.
    #[cold]
    #[inline(never)]
    fn put_off(&mut self) {
        let last = Self { ..*self };

        // SAFETY: Unpinning does not depend on a device, and its code is in this module, so it may run as
        // long as the module is loaded. The caller does not use `self` again.
        unsafe { deferral::defer(None::<DeferredCount>, move || drop(last)) };
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if !ffi::may_sleep() {
            return self.put_off();
        }

        // SAFETY: By the type invariants the array has `count` pinned pages. They are not used again, and
        // the context may sleep.
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

/// The element type of user memory that was pinned for direction `D`: it crosses in `D` only.
///
/// Memory that was pinned for reading may be a page of a file, or a copy-on-write page that processes
/// share, so a device must not write to it.
pub struct UserBytes<D>(PhantomData<D>);

impl Crosses<UserBytes<ToDevice>> for ToDevice {}
impl Crosses<UserBytes<FromDevice>> for FromDevice {}

// User space writes to it, but there are no references to it.
impl<D> Steady for UserBytes<D> {}

/// The pinned pages of a piece of user memory; unpinned on drop.
///
/// The device transfers the data directly from or to the memory of the process. The pages stay in place
/// while they are pinned, even if the process unmaps them or exits.
///
/// User space can change the memory at any time, even while the device or the CPU reads it. So there are
/// no references to it. The CPU gets copies ([`SgMapping::read`](crate::SgMapping::read)); check the
/// copy. When a mapping of it ends, by `unmap` or by a drop, user space sees what the device wrote.
///
/// The pins are for transfers, not for the long term: memory is pinned where it is, even in a movable
/// zone, and counts towards no limit. The driver must bound how much it pins, by `max` and by the number
/// of requests that it accepts. Memory that user space registers for the long term (`FOLL_LONGTERM`,
/// with `RLIMIT_MEMLOCK`) is not supported.
///
/// C API: `iov_iter_extract_pages()`, `unpin_user_pages_dirty_lock()`. Drop context: any; in atomic
/// context, unpinning is deferred to a workqueue, and the pages stay pinned if there is no memory for
/// that.
///
/// # Invariants
///
/// - `pins` are the pages of `len` bytes from `offset`, pinned for writing if the device writes in
///   direction `D`.
/// - `len` is not 0, and `offset` is less than `PAGE_SIZE`.
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
    /// Pins the next piece of `iov` for the device to read, and advances `iov` past it.
    ///
    /// A piece is contiguous in user space, and has at most `max` bytes. It ends with a segment of the
    /// vector at the latest, or where memory cannot be pinned. [`SgList::from_source`] pins as many
    /// pieces as it needs.
    ///
    /// Context: process; may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `max` is 0, or `iov` is at its end.
    /// - `EOPNOTSUPP`: the memory is not user memory.
    /// - `EFAULT`: the memory cannot be read, or is not memory (device registers).
    /// - `ENOMEM`.
    pub fn from_source(iov: &mut IovIterSource<'_>, max: usize) -> Result<Self> {
        // SAFETY: The vector is valid, and the device only reads.
        unsafe { Self::extract(iov.as_raw(), max) }
    }
}

impl UserPages<FromDevice> {
    /// Pins the next piece of `iov` for the device to write to, and advances `iov` past it.
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
        // SAFETY: `iov` is valid (safety requirements of this function).
        let kind = u32::from(unsafe { (*iov).iter_type });
        // SAFETY: `iov` is valid (safety requirements of this function); every kind has the field.
        let left = unsafe { (*iov).__bindgen_anon_1.__bindgen_anon_1.as_ref().count };
        if max == 0 || left == 0 {
            return Err(EINVAL);
        }
        // For other vectors, the function would return the pages without pinning them.
        if kind != bindings::iter_type_ITER_UBUF && kind != bindings::iter_type_ITER_IOVEC {
            return Err(EOPNOTSUPP);
        }

        let mut pages = null_mut();
        let mut offset = 0;
        // SAFETY: `iov` is valid (safety requirements of this function). The array is NULL, so the function
        // allocates it.
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
            // CAST: An errno fits in `int`. The function has freed the array.
            (Err(_), _) => Err(from_errno(len as c_int)),
            (Ok(_), _) => Err(EFAULT),
        }
    }

    /// Returns the offset of the data in the first page, in bytes.
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

// SAFETY: The chunks are in pinned pages (type invariant), so they stay in place. User space accesses
// them, and the kernel only copies, without references. If user space passes a page twice, it is no
// kernel memory.
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

    fn owns_cache_lines(&self, line: usize) -> bool {
        // `line` is a power of two; the sum does not wrap, as the pages exist.
        (self.offset | self.offset.wrapping_add(self.len)) & line.wrapping_sub(1) == 0
    }
}

/// Calls `next` for pieces until they have `len` bytes; the vector has `left`.
///
/// Returns the number of bytes that were pinned, also with an error.
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
    /// Pins the next `len` bytes of `iov` for the device to read, and advances `iov` past them.
    ///
    /// `gfp` is for the list; pinning itself may sleep. Context: process; may sleep.
    ///
    /// # Errors
    ///
    /// After each of them, nothing is pinned and `iov` is where it was:
    ///
    /// - `EINVAL`: `len` is 0, or `iov` has fewer bytes left.
    /// - Those of [`UserPages::from_source`].
    pub fn from_source(iov: &mut IovIterSource<'_>, len: usize, gfp: Gfp) -> Result<Self> {
        let (done, result) = gather(iov.len(), len, gfp, |max| UserPages::from_source(iov, max));

        result.inspect_err(|_| {
            // SAFETY: `gather` has advanced the vector by `done` bytes.
            unsafe { iov.revert(done) }
        })
    }
}

impl SgList<UserPages<FromDevice>> {
    /// Pins the next `len` bytes of `iov` for the device to write to, and advances `iov` past them.
    ///
    /// As [`from_source`](SgList::from_source); `EFAULT` if the memory cannot be written.
    pub fn from_dest(iov: &mut IovIterDest<'_>, len: usize, gfp: Gfp) -> Result<Self> {
        let (done, result) = gather(iov.len(), len, gfp, |max| UserPages::from_dest(iov, max));

        result.inspect_err(|_| {
            // SAFETY: `gather` has advanced the vector by `done` bytes.
            unsafe { iov.revert(done) }
        })
    }
}
