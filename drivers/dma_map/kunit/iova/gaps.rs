// SPDX-License-Identifier: GPL-2.0

//! Buffers of pieces: those that an IOMMU's pages can bridge, and those that they cannot.

use super::*;
use crate::{
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice, //
};

/// Makes a piece of just `len` bytes, at `offset` in its page, that holds a part of the pattern 1.
fn piece(offset: usize, len: usize, from: usize) -> Result<KVec<u8>> {
    // Those that lie elsewhere are kept, so that they are not found again.
    let mut others = KVec::new();
    for _ in 0..64 {
        let mut piece = KVec::with_capacity(len, GFP_KERNEL)?;
        for i in from..from + len {
            piece.push(pattern::at(1, i), GFP_KERNEL)?;
        }
        if piece.as_ptr().addr() % PAGE_SIZE == offset {
            return Ok(piece);
        }
        others.push(piece, GFP_KERNEL)?;
    }
    check!(false, "no memory at {offset:#x}");
    Err(ENOMEM)
}

/// Maps two pieces, and checks whether they got one range.
fn pieces(dma: DmaDevice<'_>, first: KVec<u8>, second: KVec<u8>, iova: bool) -> Result {
    let offset = first.as_ptr().addr() % PAGE_SIZE;
    let pair = Pair(first, second);
    let mapping = IovaMapping::map(dma, pair, Bidirectional, Idle, Gfp::Kernel)?;
    check_eq!(mapping.use_iova(), iova);
    check_segments(&mapping)?;
    if let Some(address) = mapping.contiguous() {
        check_eq!(address as usize % PAGE_SIZE, offset);
    }
    check!(finds(&mapping, 1)?, "the device finds other data");
    fill(&mapping, 2)?;

    let Pair(first, second) = mapping.unmap()?;
    let size = first.len();
    let mut bytes = first.iter().enumerate();
    check!(bytes.all(|(i, byte)| *byte == pattern::at(2, i)));
    let mut bytes = second.iter().enumerate();
    check!(bytes.all(|(i, byte)| *byte == pattern::at(2, size + i)));
    Ok(())
}

#[kunit_tests(dma_map_iova_gaps)]
mod tests {
    use super::*;

    #[test]
    fn whole_pages_are_joined() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for (a, b) in [(1, 1), (2, 1), (1, 4), (4, 2)] {
                let (a, b) = (a * PAGE_SIZE, b * PAGE_SIZE);
                pieces(dma, piece(0, a, 0)?, piece(0, b, a)?, translated(probe))?;
            }
            Ok(())
        })
    }

    #[test]
    fn the_last_piece_may_end_anywhere() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for len in [4095, 4097, 8191] {
                pieces(
                    dma,
                    piece(0, PAGE_SIZE, 0)?,
                    piece(0, len, PAGE_SIZE)?,
                    translated(probe),
                )?;
            }
            Ok(())
        })
    }

    #[test]
    fn the_first_piece_may_start_anywhere() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for len in [2048, 1024] {
                pieces(
                    dma,
                    piece(PAGE_SIZE - len, len, 0)?,
                    piece(0, PAGE_SIZE, len)?,
                    translated(probe),
                )?;
            }
            Ok(())
        })
    }

    #[test]
    fn a_first_piece_that_ends_within_a_page_leaves_a_gap() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for len in [PAGE_SIZE - 1, PAGE_SIZE + 1, 2 * PAGE_SIZE - 1] {
                pieces(dma, piece(0, len, 0)?, piece(0, PAGE_SIZE, len)?, false)?;
            }
            Ok(())
        })
    }

    #[test]
    fn a_second_piece_that_starts_within_a_page_leaves_a_gap() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for len in [2048, 1024] {
                pieces(
                    dma,
                    piece(0, PAGE_SIZE, 0)?,
                    piece(PAGE_SIZE - len, len, PAGE_SIZE)?,
                    false,
                )?;
            }
            Ok(())
        })
    }
}
