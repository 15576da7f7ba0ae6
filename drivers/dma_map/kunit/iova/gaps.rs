// SPDX-License-Identifier: GPL-2.0

//! Buffers with gaps: those that the pages of an IOMMU can bridge, and those that they cannot.

use super::*;
use crate::{
    engines::Idle,
    fixture::*, //
};
use core::ops::Range;
use dma_map::{
    mapping::Pages,
    sg::BufferRange,
    Bidirectional,
    DmaDevice, //
};

/// Bytes anywhere in pages of their own.
type Piece = BufferRange<Pages>;

/// Makes a piece of `len` bytes, at `offset` in its page, that holds a part of the pattern 1.
fn piece(offset: usize, len: usize, from: usize) -> Result<Piece> {
    let range = offset..offset + len;
    let count = range.end.div_ceil(PAGE_SIZE).next_power_of_two();
    let mut pages = Pages::zeroed(count.trailing_zeros(), Gfp::Kernel)?;

    pattern::fill(&mut pages[range.clone()], 1, from);
    Ok(BufferRange::new(pages, range)?)
}

/// Returns whether a piece holds a part of the pattern `seed`.
fn holds(piece: &Piece, seed: u8, from: usize) -> bool {
    pattern::holds(&piece.buffer()[piece.range()], seed, from)
}

/// Maps two pieces, and checks whether they got one range.
fn pieces(dma: DmaDevice<'_>, first: Piece, second: Piece, iova: bool) -> Result {
    let offset = first.range().start;
    let size = first.len();
    let mapping = map_iova(dma, (first, second), Bidirectional, Idle)?;
    check_eq!(mapping.use_iova(), iova);
    check_segments(&mapping)?;
    if let Some(address) = mapping.contiguous() {
        check_eq!(address as usize % PAGE_SIZE, offset);
    }
    check!(finds(&mapping, 1)?, "the device finds other data");
    fill(&mapping, 2)?;

    let (first, second) = mapping.unmap()?;
    check!(holds(&first, 2, 0) && holds(&second, 2, size));
    // The device wrote to nothing beside them.
    for piece in [&first, &second] {
        let Range { start, end } = piece.range();
        let pages = piece.buffer();
        for beside in [&pages[..start], &pages[end..]] {
            check!(beside.iter().all(|byte| *byte == 0));
        }
    }
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
        each_dma(ALL, |dma| {
            for len in [PAGE_SIZE - 1, PAGE_SIZE + 1, 2 * PAGE_SIZE - 1] {
                pieces(dma, piece(0, len, 0)?, piece(0, PAGE_SIZE, len)?, false)?;
            }
            Ok(())
        })
    }

    #[test]
    fn a_second_piece_that_starts_within_a_page_leaves_a_gap() -> Result {
        each_dma(ALL, |dma| {
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
