// SPDX-License-Identifier: GPL-2.0

//! Buffer lists: several buffers in one table.
//!
//! - A pair `(A, B)` is a buffer: the bytes of `A`, then those of `B`. The types of the buffers and of
//!   their elements may differ. Pairs nest: `(header, (body, trailer))`.
//! - An [`SgList`] is a buffer: any number of buffers of one type. [`AnyBuffer`] is a type for bytes in
//!   any of the kernel's vectors or in pages.
//!
//! The mapping owns all of the buffers, and `unmap` returns the pair or the list.

use super::{
    buffer::SgBuffer,
    page_list::PageList, //
};
use crate::{
    device::lines::Lines,
    direction::{
        private::{
            Crosses,
            Steady, //
        },
        Direction, //
    },
    error::MapError,
    generic::vec,
    gfp::Gfp,
    sys::chunk::Chunk, //
};
use core::marker::PhantomData;
use kernel::prelude::*;

/// The element type of a pair of buffers: it crosses if both `A` and `B` do.
pub struct Both<A, B>(PhantomData<(A, B)>);

impl<A, B, D> Crosses<Both<A, B>> for D
where
    D: Direction + Crosses<A> + Crosses<B>,
{
    const WITHOUT_DESTRUCTOR: () = {
        let () = <D as Crosses<A>>::WITHOUT_DESTRUCTOR;
        let () = <D as Crosses<B>>::WITHOUT_DESTRUCTOR;
    };
}

impl<A: Steady, B: Steady> Steady for Both<A, B> {}

// SAFETY: The chunks are those of two values that are both owned, and so are different memory.
unsafe impl<A: SgBuffer, B: SgBuffer> SgBuffer for (A, B) {
    type Element = Both<A::Element, B::Element>;

    const DROP_MAY_SLEEP: bool = A::DROP_MAY_SLEEP || B::DROP_MAY_SLEEP;
    const USER: bool = A::USER || B::USER;

    #[inline]
    fn len(&self) -> usize {
        // Only pages that are pinned many times over can exceed `usize`, and no table has entries for
        // so many.
        self.0.len().saturating_add(self.1.len())
    }

    fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
        let f: &mut dyn FnMut(Chunk) -> Result = &mut f;
        self.0.try_for_each_chunk(&mut *f)?;
        self.1.try_for_each_chunk(f)
    }

    fn owns_cache_lines(&self, line: usize) -> bool {
        self.0.owns_cache_lines(line) && self.1.owns_cache_lines(line)
    }

    fn check_lines(&self, lines: Lines<'_>) -> Result {
        self.0.check_lines(lines)?;
        self.1.check_lines(lines)
    }
}

/// A list of buffers, mapped one after the other.
///
/// # Examples
///
/// ```ignore,run
/// # let header = KVec::from_elem(0u8, 64, GFP_KERNEL)?;
/// # let pages = PageList::zeroed(4, Gfp::Kernel)?;
/// let mut list = SgList::new();
/// list.push(BufferRange::new(AnyBuffer::from(header), 0..64)?, Gfp::Kernel)?;
/// list.push(BufferRange::from(AnyBuffer::from(pages)), Gfp::Kernel)?;
/// let mapping = SgMapping::map(dma, list, ToDevice, engine, Gfp::Kernel)?;
/// # check(mapping.size() == 64 + 4 * 4096)?;
/// # let mut parts = 0;
/// // ...
/// for part in mapping.unmap()?.into_parts() {
///     let buffer = part.into_buffer();
/// #     parts += 1;
/// }
/// # check(parts == 2)?;
/// ```
///
/// # Invariants
///
/// `len` is the sum of the parts' lengths.
pub struct SgList<B> {
    parts: KVec<B>,
    len: usize,
}

impl<B: SgBuffer> SgList<B> {
    /// Creates an empty list. Context: any.
    #[inline]
    pub const fn new() -> Self {
        // INVARIANT: Without parts, the sum is 0.
        Self {
            parts: KVec::new(),
            len: 0,
        }
    }

    /// Creates an empty list with room for `count` parts.
    ///
    /// Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn with_capacity(count: usize, gfp: Gfp) -> Result<Self> {
        // INVARIANT: Without parts, the sum is 0.
        Ok(Self {
            parts: vec::with_capacity(count, gfp.flags())?,
            len: 0,
        })
    }

    /// Appends `part`.
    ///
    /// Context: may sleep with [`Gfp::Kernel`], any otherwise. While there is room: any, and nothing is
    /// allocated.
    ///
    /// # Errors
    ///
    /// The part comes back with each of them:
    ///
    /// - `EINVAL`: the total length would exceed `usize`.
    /// - `ENOMEM`.
    pub fn push(&mut self, part: B, gfp: Gfp) -> Result<(), MapError<B>> {
        let failed = |error, buffer| Err(MapError { error, buffer });

        let Some(len) = self.len.checked_add(part.len()) else {
            return failed(EINVAL, part);
        };
        match vec::push(&mut self.parts, part, gfp.flags()) {
            Ok(()) => {
                // INVARIANT: The sum includes the part that was added.
                self.len = len;
                Ok(())
            }
            Err(part) => failed(ENOMEM, part),
        }
    }

    /// Returns the parts.
    #[inline]
    pub fn parts(&self) -> &[B] {
        &self.parts
    }

    /// Returns the parts, by value.
    #[inline]
    pub fn into_parts(self) -> KVec<B> {
        self.parts
    }
}

impl<B: SgBuffer> Default for SgList<B> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: The chunks are those of values that are all owned, and so are different memory. Moving the
// vector of the values does not move them.
unsafe impl<B: SgBuffer> SgBuffer for SgList<B> {
    type Element = B::Element;

    const DROP_MAY_SLEEP: bool = B::DROP_MAY_SLEEP;
    const USER: bool = B::USER;

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
        let f: &mut dyn FnMut(Chunk) -> Result = &mut f;
        for part in &self.parts {
            part.try_for_each_chunk(&mut *f)?;
        }
        Ok(())
    }

    fn owns_cache_lines(&self, line: usize) -> bool {
        self.parts.iter().all(|part| part.owns_cache_lines(line))
    }

    fn check_lines(&self, lines: Lines<'_>) -> Result {
        self.parts
            .iter()
            .try_for_each(|part| part.check_lines(lines))
    }
}

/// Bytes, in one of the kernel's vectors or in pages.
///
/// For an [`SgList`] whose parts differ in type. For elements other than bytes, use pairs.
pub enum AnyBuffer {
    /// Memory of `kmalloc()`.
    KVec(KVec<u8>),
    /// Memory of `vmalloc()`.
    VVec(VVec<u8>),
    /// Memory of either.
    KVVec(KVVec<u8>),
    /// Whole pages.
    Pages(PageList),
}

macro_rules! impl_any {
    ($($variant:ident: $buffer:ty),*) => {
        $(
            impl From<$buffer> for AnyBuffer {
                #[inline]
                fn from(buffer: $buffer) -> Self {
                    Self::$variant(buffer)
                }
            }
        )*

        // SAFETY: Each function forwards to the one buffer in the value, which guarantees the same.
        unsafe impl SgBuffer for AnyBuffer {
            type Element = u8;

            const DROP_MAY_SLEEP: bool = $(<$buffer as SgBuffer>::DROP_MAY_SLEEP)||*;

            fn len(&self) -> usize {
                match self {
                    $(Self::$variant(buffer) => SgBuffer::len(buffer),)*
                }
            }

            fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
                match self {
                    $(Self::$variant(buffer) => buffer.try_for_each_chunk(f),)*
                }
            }

            fn owns_cache_lines(&self, line: usize) -> bool {
                match self {
                    $(Self::$variant(buffer) => buffer.owns_cache_lines(line),)*
                }
            }

            fn check_lines(&self, lines: Lines<'_>) -> Result {
                match self {
                    $(Self::$variant(buffer) => buffer.check_lines(lines),)*
                }
            }
        }
    };
}

impl_any!(KVec: KVec<u8>, VVec: VVec<u8>, KVVec: KVVec<u8>, Pages: PageList);
