// SPDX-License-Identifier: GPL-2.0

//! User memory for the thread of a case.

use crate::pattern;
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    page::PAGE_SIZE,
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// What a page may be used for: `include/uapi/asm-generic/mman-common.h`.
const READ: c_ulong = 1;
const WRITE: c_ulong = 2;
/// `MAP_PRIVATE | MAP_ANONYMOUS`, of the same header.
const PRIVATE: c_ulong = 0x22;

/// Some pages; gone with the thread of the case.
pub(crate) struct UserMemory {
    addr: usize,
    len: usize,
}

impl UserMemory {
    fn map(pages: usize, prot: c_ulong) -> Result<Self> {
        let len = pages * PAGE_SIZE;
        // SAFETY: KUnit runs a case, in this thread, and takes care of the memory.
        let addr = unsafe {
            let test = bindings::kunit_get_current_test();
            let file = core::ptr::null_mut();
            bindings::kunit_vm_mmap(test, file, 0, len, prot, PRIVATE, 0)
        };

        // An error is an address in the last page.
        if addr == 0 || addr > usize::MAX - PAGE_SIZE {
            return Err(ENOMEM);
        }
        Ok(Self { addr, len })
    }

    /// Maps `pages` pages.
    pub(crate) fn new(pages: usize) -> Result<Self> {
        Self::map(pages, READ | WRITE)
    }

    /// Maps `pages` pages that can only be read.
    pub(crate) fn read_only(pages: usize) -> Result<Self> {
        Self::map(pages, READ)
    }

    /// The address of the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> usize {
        self.addr + offset
    }

    /// Unmaps the pages from `first` on.
    pub(crate) fn unmap_from(&self, first: usize) -> Result {
        let offset = first * PAGE_SIZE;
        // SAFETY: The thread has an address space, and the memory is its own.
        to_result(unsafe { bindings::vm_munmap(self.at(offset), self.len - offset) })
    }

    /// User space writes the pattern `seed` to all of it.
    pub(crate) fn fill(&self, seed: u8) -> Result {
        let mut writer = self.slice(0, self.len).writer();
        let mut part = [0; 256];
        for start in (0..self.len).step_by(part.len()) {
            pattern::fill(&mut part, seed, start);
            writer.write_slice(&part)?;
        }
        Ok(())
    }

    /// User space writes `data`.
    pub(crate) fn write(&self, offset: usize, data: &[u8]) -> Result {
        self.slice(offset, data.len()).writer().write_slice(data)
    }

    /// What user space finds in `len` bytes from `offset` on.
    pub(crate) fn read(&self, offset: usize, len: usize) -> Result<VVec<u8>> {
        let mut data = VVec::from_elem(0, len, GFP_KERNEL)?;
        self.slice(offset, len).reader().read_slice(&mut data)?;
        Ok(data)
    }

    fn slice(&self, offset: usize, len: usize) -> UserSlice {
        UserSlice::new(UserPtr::from_addr(self.at(offset)), len)
    }
}

/// Ranges of memory, as a system call gets them.
pub(crate) struct Vector<'a> {
    iov: bindings::iov_iter,
    _ranges: KVec<bindings::iovec>,
    _memory: PhantomData<&'a UserMemory>,
}

impl<'a> Vector<'a> {
    fn new(ranges: &[(usize, usize)], direction: u32) -> Result<Self> {
        let mut all = KVec::new();
        let mut count = 0;
        for &(addr, len) in ranges {
            let range = bindings::iovec {
                iov_base: addr as *mut c_void,
                iov_len: len,
            };
            all.push(range, GFP_KERNEL)?;
            count += len;
        }

        let mut iov = bindings::iov_iter::default();
        // SAFETY: The ranges live as long as the vector, where they do not move.
        unsafe { bindings::iov_iter_init(&mut iov, direction, all.as_ptr(), ranges.len(), count) };
        Ok(Self {
            iov,
            _ranges: all,
            _memory: PhantomData,
        })
    }

    /// Ranges, as (address, length), that `write()` gets.
    pub(crate) fn source(ranges: &[(usize, usize)]) -> Result<Self> {
        Self::new(ranges, bindings::ITER_SOURCE)
    }

    /// Ranges that `read()` gets.
    pub(crate) fn dest(ranges: &[(usize, usize)]) -> Result<Self> {
        Self::new(ranges, bindings::ITER_DEST)
    }

    /// The vector as `write_iter` has it.
    pub(crate) fn as_source(&mut self) -> &mut IovIterSource<'a> {
        // SAFETY: The vector is valid, and a source (the function checks that).
        unsafe { IovIterSource::from_raw(&mut self.iov) }
    }

    /// The vector as `read_iter` has it.
    pub(crate) fn as_dest(&mut self) -> &mut IovIterDest<'a> {
        // SAFETY: The vector is valid, and a destination (the function checks that).
        unsafe { IovIterDest::from_raw(&mut self.iov) }
    }
}

/// Calls `f` with a source in memory of the kernel.
pub(crate) fn with_kernel_source<R>(
    data: &mut [u8],
    f: impl FnOnce(&mut IovIterSource<'_>) -> R,
) -> R {
    let range = bindings::kvec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: data.len(),
    };
    let mut iov = bindings::iov_iter::default();

    // SAFETY: Range and data outlive the vector.
    unsafe {
        bindings::iov_iter_kvec(&mut iov, bindings::ITER_SOURCE, &range, 1, data.len());
        f(IovIterSource::from_raw(&mut iov))
    }
}
