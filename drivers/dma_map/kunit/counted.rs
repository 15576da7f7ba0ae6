// SPDX-License-Identifier: GPL-2.0

//! A buffer that counts its drops.

use dma_map::{
    mapping::Contiguous,
    sg::{
        Chunk,
        SgBuffer, //
    }, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// How many have been dropped.
static DROPPED: Atomic<u32> = Atomic::new(0);

/// How many have been dropped, ever.
pub(crate) fn dropped() -> u32 {
    DROPPED.load(Relaxed)
}

/// Some other buffer.
pub(crate) struct Counted<B>(pub(crate) B);

impl<B> Drop for Counted<B> {
    fn drop(&mut self) {
        DROPPED.add(1, Relaxed);
    }
}

// SAFETY: All that is said is what the other buffer says; the drop does not look at its memory.
unsafe impl<B: SgBuffer> SgBuffer for Counted<B> {
    type Element = B::Element;

    const DROP_MAY_SLEEP: bool = B::DROP_MAY_SLEEP;
    const USER: bool = B::USER;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn page_chunks(&self) -> Option<usize> {
        self.0.page_chunks()
    }

    fn try_for_each_page(
        &self,
        f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        self.0.try_for_each_page(f)
    }

    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
        self.0.try_for_each_chunk(f)
    }

    fn owns_cache_lines(&self, line: usize) -> bool {
        self.0.owns_cache_lines(line)
    }
}

// SAFETY: The other buffer says whether it is contiguous, and its memory is the memory here.
unsafe impl<B: Contiguous> Contiguous for Counted<B> {
    type Contents = B::Contents;

    fn is_contiguous(&self) -> bool {
        self.0.is_contiguous()
    }

    fn contents(&self) -> &B::Contents {
        self.0.contents()
    }

    fn contents_mut(&mut self) -> &mut B::Contents {
        self.0.contents_mut()
    }
}
