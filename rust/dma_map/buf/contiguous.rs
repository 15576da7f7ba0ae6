// SPDX-License-Identifier: GPL-2.0

//! Contiguous buffers: memory in the linear mapping that a single mapping can own.

use super::{
    buffer::SgBuffer,
    vectors::kmalloc_whole_lines, //
};
use crate::sys::chunk::{
    linear_chunk,
    Chunk, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// A buffer that is, or may be, physically contiguous.
///
/// A `VVec` never is, so it cannot be mapped as one piece: use [`SgMapping`](crate::SgMapping).
///
/// # Safety
///
/// An implementor guarantees, in addition to the requirements of [`SgBuffer`]:
///
/// - [`contents`](Self::contents) and [`contents_mut`](Self::contents_mut) return all of the memory
///   that the chunks describe, and the same each time.
/// - Where [`is_contiguous`](Self::is_contiguous) returns `true`, that memory is in the kernel's
///   linear mapping. The answer stays the same until the value is dropped.
/// - [`USER`](SgBuffer::USER) is `false`, because there are references to the memory. Mapping asserts
///   this at build time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped as one piece that the mapping owns",
    label = "is no heap memory, or scattered, or borrowed",
    note = "a `KBox`, a `KVec`, a `KVVec` and `Pages` can; `with_mapped` is for borrowed memory, \
            `SgMapping` for scattered"
)]
pub unsafe trait Contiguous: SgBuffer {
    /// The type of the contents for the CPU.
    type Contents: ?Sized;

    /// Returns whether the memory is contiguous.
    fn is_contiguous(&self) -> bool {
        true
    }

    /// Returns the contents.
    fn contents(&self) -> &Self::Contents;

    /// Returns the contents, mutably.
    fn contents_mut(&mut self) -> &mut Self::Contents;
}

/// Returns the one chunk of `buffer`.
///
/// # Errors
///
/// `EINVAL` if the buffer is empty or not contiguous.
#[inline]
pub(crate) fn chunk<B: Contiguous>(buffer: &B) -> Result<Chunk> {
    if buffer.is_empty() || !buffer.is_contiguous() {
        return Err(EINVAL);
    }

    let addr = core::ptr::from_ref(buffer.contents()).cast();
    // SAFETY: The contents are in the linear mapping (safety requirements of `Contiguous`), and not
    // empty, so that the address is not dangling.
    Ok(unsafe { linear_chunk(addr, buffer.len()) })
}

/// The contents of a buffer that derefs to them.
macro_rules! deref_contents {
    ($contents:ty) => {
        type Contents = $contents;

        #[inline]
        fn contents(&self) -> &$contents {
            self
        }

        #[inline]
        fn contents_mut(&mut self) -> &mut $contents {
            self
        }
    };
}
pub(super) use deref_contents;

/// Implements the traits for a buffer that is one `kmalloc` allocation and derefs to its contents.
macro_rules! impl_kmalloc {
    ($buffer:ty, $contents:ty) => {
        // SAFETY: The buffer owns one `kmalloc` allocation, which is in the linear mapping. What it derefs
        // to is initialised values of `T` at the start of it: one chunk, unless it has no bytes.
        unsafe impl<T: Send + 'static> SgBuffer for $buffer {
            type Element = T;

            const DROP_MAY_SLEEP: bool = false;

            #[inline]
            fn len(&self) -> usize {
                size_of_val::<$contents>(self)
            }

            fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
                if SgBuffer::is_empty(self) {
                    return Ok(());
                }
                let addr = core::ptr::from_ref::<$contents>(self).cast();
                // SAFETY: The buffer is not empty, so `addr` is its `kmalloc` allocation, which is in the
                // linear mapping.
                f(unsafe { linear_chunk(addr, SgBuffer::len(self)) })
            }

            fn owns_cache_lines(&self, line: usize) -> bool {
                let addr = core::ptr::from_ref::<$contents>(self).cast();
                // SAFETY: Unless the buffer is empty, `addr` is the start of its `kmalloc` allocation.
                unsafe { kmalloc_whole_lines(addr, SgBuffer::len(self), line) }
            }
        }

        // SAFETY: The buffer derefs to all of its chunk, which is in the linear mapping.
        unsafe impl<T: Send + 'static> Contiguous for $buffer {
            deref_contents!($contents);
        }
    };
}

impl_kmalloc!(KBox<T>, T);
impl_kmalloc!(KBox<[T]>, [T]);
impl_kmalloc!(KVec<T>, [T]);

// SAFETY: The chunks of a `KVVec` are its elements. Unless they are at a vmalloc address, they are in a
// `kmalloc` allocation in the linear mapping. An allocation does not move while the vector is not borrowed.
unsafe impl<T: Send + 'static> Contiguous for KVVec<T> {
    deref_contents!([T]);

    #[inline]
    fn is_contiguous(&self) -> bool {
        // SAFETY: The function only compares the address.
        !unsafe { bindings::is_vmalloc_addr(self.as_ptr().cast()) }
    }
}
