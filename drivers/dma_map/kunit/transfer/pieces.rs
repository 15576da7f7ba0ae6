// SPDX-License-Identifier: GPL-2.0

//! [`Piece`] and [`Pieces`]: the addresses and lengths that a device is told.

use super::*;
use crate::engines::Idle;
use dma_map::sg::Segment;

/// Returns what a mapping's segments are.
fn all(mapping: &Scattered<'_, Idle>) -> Result<KVec<Segment>> {
    let mut all = KVec::new();
    for segment in mapping.segments() {
        all.push(segment, GFP_KERNEL)?;
    }
    Ok(all)
}

/// Returns whether `pieces`, joined where they meet, are the segments.
fn same<'a>(
    pieces: impl Iterator<Item = Piece<'a, Bidirectional, Idle>>,
    segments: &[Segment],
) -> Result<bool> {
    let mut index = 0;
    let mut done = 0;
    for piece in pieces {
        let segment = segments.get(index).ok_or(EINVAL)?;
        if piece.address() != segment.address + done as u64
            || done + piece.len() > segment.len as usize
        {
            return Ok(false);
        }
        done += piece.len();
        if done == segment.len as usize {
            index += 1;
            done = 0;
        }
    }
    Ok(index == segments.len() && done == 0)
}

#[kunit_tests(dma_map_transfer_pieces)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_segments() -> Result {
        each_dma(ALL, |dma| {
            let mapping = scattered(dma, Idle, 1)?;
            let segments = all(&mapping)?;
            Transfer::start(&mapping, |pieces| {
                check!(same(pieces, &segments)?);
                Ok(())
            })?
            .complete()?;
            Ok(())
        })
    }

    #[test]
    fn cut_pieces_are_the_segments_and_no_longer_than_asked() -> Result {
        each_dma(ALL.max_segment_size(4096), |dma| {
            let mapping = scattered(dma, Idle, 1)?;
            let segments = all(&mapping)?;
            for max in [1, 2, 100, 4095, 4096, 4097, LEN, usize::MAX] {
                Transfer::start(&mapping, |mut pieces| {
                    let cut = core::iter::from_fn(|| pieces.cut(max));
                    let mut longest = 0;
                    check!(same(
                        cut.inspect(|piece| longest = longest.max(piece.len())),
                        &segments
                    )?);
                    check!(longest <= max && longest >= max.min(100), "{longest}");
                    check!(pieces.cut(max).is_none() && pieces.next().is_none());
                    Ok(())
                })?
                .complete()?;
            }
            Ok(())
        })
    }

    #[test]
    fn cut_of_nothing_takes_nothing() -> Result {
        each_dma(ALL, |dma| {
            let mapping = scattered(dma, Idle, 1)?;
            let segments = all(&mapping)?;
            Transfer::start(&mapping, |mut pieces| {
                check!(pieces.cut(0).is_none());
                let first = pieces.cut(3).ok_or(EINVAL)?;
                check!(pieces.cut(0).is_none());
                let pieces = Iterator::chain(core::iter::once(first), pieces);
                check!(same(pieces, &segments)?);
                Ok(())
            })?
            .complete()?;
            Ok(())
        })
    }

    #[test]
    fn bytes_are_skipped_and_not_beyond_the_end() -> Result {
        each_dma(ALL, |dma| {
            let mapping = scattered(dma, Idle, 1)?;
            Transfer::start(&mapping, |pieces| {
                for skipped in [0, 1, 4095, 4096, 4097, LEN - 1] {
                    let mut rest = pieces.clone();
                    rest.skip_bytes(skipped)?;
                    check_eq!(rest.map(Piece::len).sum::<usize>(), LEN - skipped);
                }
                let mut rest = pieces.clone();
                rest.skip_bytes(LEN)?;
                check!(rest.next().is_none());
                check_err!(rest.skip_bytes(1), EINVAL);
                check_err!(pieces.clone().skip_bytes(LEN + 1), EINVAL);

                // What is behind them is what the device finds there.
                let mut rest = pieces;
                rest.skip_bytes(5001)?;
                let piece = rest.cut(100).ok_or(EINVAL)?;
                let mut data = [0; 100];
                let data = &mut data[..piece.len()];
                device_side::read(dma, piece.address(), data)?;
                check!(pattern::holds(data, 1, 5001));
                Ok(())
            })?
            .complete()?;
            Ok(())
        })
    }

    #[test]
    fn parts_lie_within_the_piece() -> Result {
        each_dma(ALL, |dma| {
            let mapping = single(dma, Idle, 1)?;
            Transfer::start(&mapping, |piece| {
                check_eq!((piece.address(), piece.len()), (mapping.dma_address(), LEN));
                for range in [0..1, 0..LEN, 1..LEN, LEN - 1..LEN, 17..4100] {
                    let part = piece.part(range.clone())?;
                    check_eq!(part.address(), piece.address() + range.start as u64);
                    check_eq!(part.len(), range.len());
                }
                for (start, end) in [(0, 0), (LEN, LEN), (0, LEN + 1), (LEN, LEN + 1), (2, 1)] {
                    check_err!(piece.part(start..end).map(|_| ()), EINVAL);
                }
                check_err!(piece.part(1..usize::MAX).map(|_| ()), EINVAL);

                let mut pieces = piece.pieces();
                let lens = core::iter::from_fn(|| pieces.cut(4000)).map(Piece::len);
                check!(lens.eq([4000, 4000, 1000]));
                check!(pieces.next().is_none());
                Ok(())
            })?
            .complete()?;
            Ok(())
        })
    }
}
