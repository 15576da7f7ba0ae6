// SPDX-License-Identifier: GPL-2.0

//! Physically contiguous chunks of memory, as the C API maps them.

use super::linear;
use kernel::{
    bindings,
    prelude::*, //
};

/// A piece of memory that is physically contiguous.
#[derive(Clone, Copy)]
pub struct Chunk {
    /// The physical address of the first byte.
    pub(crate) phys: u64,
    /// The number of bytes.
    pub(crate) len: u64,
}

impl Chunk {
    /// Returns the physical address behind the last byte.
    ///
    /// Memory that exists does not wrap around the end of the address space.
    #[inline]
    pub(crate) fn end(self) -> u64 {
        self.phys.wrapping_add(self.len)
    }

    /// Returns the physical address of the last byte.
    #[inline]
    pub(crate) fn last(self) -> u64 {
        self.end().wrapping_sub(1)
    }
}

/// Returns the chunk of `len` bytes at `addr`.
///
/// # Safety
///
/// The bytes must be in the kernel's linear mapping.
#[inline]
pub(crate) unsafe fn linear_chunk(addr: *const u8, len: usize) -> Chunk {
    Chunk {
        // SAFETY: `addr` is in the linear mapping (function precondition).
        phys: unsafe { linear::phys(addr) },
        len: len as u64,
    }
}

/// Turns a function of chunks into a function of pages.
///
/// # Safety
///
/// The returned function must be called with valid pages only.
#[inline]
pub(crate) unsafe fn page_chunks(
    mut f: impl FnMut(Chunk) -> Result,
) -> impl FnMut(*mut bindings::page, usize, usize) -> Result {
    move |page, offset, len| {
        f(Chunk {
            // SAFETY: `page` is valid (function precondition).
            phys: unsafe { linear::page_phys(page) } | offset as u64,
            len: len as u64,
        })
    }
}
