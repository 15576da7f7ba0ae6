// SPDX-License-Identifier: GPL-2.0

//! `Part`: a buffer of any kind as one type, so that a table of cases can hold all kinds.

use dma_map::{
    mapping::Pages,
    sg::{
        AnyBuffer,
        BufferRange,
        Chunk,
        SgBuffer, //
    },
    Gfp,
    PageList,
    SgList, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// An element of no size.
type Nothing = [u8; 0];

macro_rules! parts {
    ($($variant:ident: $buffer:ty,)*) => {
        /// One of many kinds of buffers, all of bytes.
        pub(super) enum Part {
            $($variant($buffer),)*
        }

        $(
            impl From<$buffer> for Part {
                fn from(buffer: $buffer) -> Self {
                    Self::$variant(buffer)
                }
            }
        )*

        // SAFETY: Each function is that of the one buffer that the value is, whose elements are bytes
        // or have none.
        unsafe impl SgBuffer for Part {
            type Element = u8;

            const DROP_MAY_SLEEP: bool = true;

            fn len(&self) -> usize {
                match self {
                    $(Self::$variant(buffer) => SgBuffer::len(buffer),)*
                }
            }

            fn page_chunks(&self) -> Option<usize> {
                match self {
                    $(Self::$variant(buffer) => buffer.page_chunks(),)*
                }
            }

            fn try_for_each_page(
                &self,
                f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
            ) -> Result {
                match self {
                    $(Self::$variant(buffer) => buffer.try_for_each_page(f),)*
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
        }
    };
}

parts! {
    KVec: KVec<u8>,
    VVec: VVec<u8>,
    KVVec: KVVec<u8>,
    KVecOfNothing: KVec<Nothing>,
    VVecOfNothing: VVec<Nothing>,
    KVVecOfNothing: KVVec<Nothing>,
    BoxOfNothing: KBox<Nothing>,
    BoxOfUnit: KBox<()>,
    Pages: Pages,
    PageList: PageList,
    AnyBuffer: AnyBuffer,
    RangeOfKVec: BufferRange<KVec<u8>>,
    RangeOfVVec: BufferRange<VVec<u8>>,
    RangeOfKVVec: BufferRange<KVVec<u8>>,
    RangeOfPages: BufferRange<Pages>,
    RangeOfPageList: BufferRange<PageList>,
    RangeOfAnyBuffer: BufferRange<AnyBuffer>,
    List: SgList<VVec<u8>>,
    ListOfRanges: SgList<BufferRange<AnyBuffer>>,
    Pair: (KVec<u8>, VVec<u8>),
}

impl Part {
    /// Whole pages, or else bytes of the heap.
    pub(super) fn full(len: usize) -> Result<Self> {
        match len % PAGE_SIZE {
            0 if len == PAGE_SIZE => Ok(Pages::zeroed(0, Gfp::Kernel)?.into()),
            0 => Ok(PageList::zeroed(len / PAGE_SIZE, Gfp::Kernel)?.into()),
            _ => Ok(KVec::from_elem(0u8, len, GFP_KERNEL)?.into()),
        }
    }

    /// Bytes in pages.
    pub(super) fn vector(len: usize) -> Result<Self> {
        Ok(VVec::from_elem(0u8, len, GFP_KERNEL)?.into())
    }
}

/// No bytes, and what has none.
type Entry = (&'static str, fn() -> Result<Part>);

macro_rules! table {
    ($($name:literal: $make:expr,)*) => {
        &[$(($name, || -> Result<Part> { Ok($make.into()) }),)*]
    };
}

/// Each kind of buffer, in each form that has no bytes.
pub(super) const EMPTY: &[Entry] = table! {
    "a new KVec": KVec::<u8>::new(),
    "a KVec with capacity": KVec::<u8>::with_capacity(100, GFP_KERNEL)?,
    "a KVec of elements of no size": KVec::from_elem([0u8; 0], 5, GFP_KERNEL)?,
    "a new VVec": VVec::<u8>::new(),
    "a VVec with capacity": VVec::<u8>::with_capacity(100, GFP_KERNEL)?,
    "a VVec of elements of no size": VVec::from_elem([0u8; 0], 5, GFP_KERNEL)?,
    "a new KVVec": KVVec::<u8>::new(),
    "a KVVec with capacity": KVVec::<u8>::with_capacity(100, GFP_KERNEL)?,
    "a KVVec with much capacity": KVVec::<u8>::with_capacity(5 << 20, GFP_KERNEL)?,
    "a KVVec of elements of no size": KVVec::from_elem([0u8; 0], 5, GFP_KERNEL)?,
    "a KBox of an array of nothing": KBox::new([0u8; 0], GFP_KERNEL)?,
    "a KBox of a unit": KBox::new((), GFP_KERNEL)?,
    "a PageList of no pages": PageList::zeroed(0, Gfp::Kernel)?,
    "AnyBuffer of a new KVec": AnyBuffer::from(KVec::<u8>::new()),
    "AnyBuffer of a new VVec": AnyBuffer::from(VVec::<u8>::new()),
    "AnyBuffer of a new KVVec": AnyBuffer::from(KVVec::<u8>::new()),
    "AnyBuffer of no pages": AnyBuffer::from(PageList::zeroed(0, Gfp::Kernel)?),
    "the range 0..0 of a KVec": BufferRange::new(KVec::from_elem(0u8, 9, GFP_KERNEL)?, 0..0)?,
    "the range 0..0 of a VVec": BufferRange::new(VVec::from_elem(0u8, 9, GFP_KERNEL)?, 0..0)?,
    "the range 0..0 of a KVVec": BufferRange::new(KVVec::from_elem(0u8, 9, GFP_KERNEL)?, 0..0)?,
    "the range 0..0 of Pages": BufferRange::new(Pages::zeroed(0, Gfp::Kernel)?, 0..0)?,
    "the range 0..0 of a PageList": BufferRange::new(PageList::zeroed(1, Gfp::Kernel)?, 0..0)?,
    "the range at the end of a VVec": BufferRange::new(VVec::from_elem(0u8, 9, GFP_KERNEL)?, 9..9)?,
    "the range 0..0 of a new VVec": BufferRange::new(VVec::<u8>::new(), 0..0)?,
    "the range 0..0 of AnyBuffer": BufferRange::new(AnyBuffer::from(VVec::<u8>::new()), 0..0)?,
    "a list of nothing": SgList::<VVec<u8>>::new(),
    "a list of new vectors": {
        let mut list = SgList::new();
        list.push(VVec::<u8>::new(), Gfp::Kernel)?;
        list.push(VVec::<u8>::new(), Gfp::Kernel)?;
        list
    },
    "a list of ranges of nothing": {
        let mut list = SgList::new();
        let pages = AnyBuffer::from(PageList::zeroed(1, Gfp::Kernel)?);
        list.push(BufferRange::new(pages, 7..7)?, Gfp::Kernel)?;
        list
    },
    "a pair of new vectors": (KVec::<u8>::new(), VVec::<u8>::new()),
};
