// SPDX-License-Identifier: GPL-2.0

//! What the device is told of a mapping that may be one range.

use super::segments::{
    Segment,
    SplitSegments, //
};
use crate::device::{
    split::Split,
    DmaDevice, //
};
use kernel::dma::DmaAddress;

/// The segments of an [`IovaMapping`](crate::IovaMapping), in order.
///
/// Each one honours the device's `max_segment_size` and `segment_boundary`, and together they are
/// the mapped bytes exactly.
#[derive(Clone)]
pub struct IovaSegments<'a> {
    form: Form<'a>,
}

#[derive(Clone)]
enum Form<'a> {
    Range {
        address: DmaAddress,
        left: u64,
        split: Split,
    },
    Table(SplitSegments<'a>),
}

impl<'a> IovaSegments<'a> {
    /// The segments of `len` bytes at `address`.
    #[inline]
    pub(crate) fn of_range(dev: DmaDevice<'_>, address: DmaAddress, len: usize) -> Self {
        Self {
            form: Form::Range {
                address,
                left: len as u64,
                split: Split::of(dev),
            },
        }
    }

    #[inline]
    pub(crate) fn of_table(segments: impl Into<SplitSegments<'a>>) -> Self {
        Self {
            form: Form::Table(segments.into()),
        }
    }
}

impl Iterator for IovaSegments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match &mut self.form {
            Form::Range { left: 0, .. } => None,
            Form::Range {
                address,
                left,
                split,
            } => {
                let start = *address;
                #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
                let len = split.first(start.into(), *left);

                // Within one range, whose addresses do not wrap before its end.
                *address = start.wrapping_add(len as DmaAddress);
                *left = left.wrapping_sub(len);
                Some(Segment {
                    address: start,
                    // CAST: Not longer than `max_segment_size`, which is 32 bits.
                    len: len as u32,
                })
            }
            Form::Table(segments) => segments.next(),
        }
    }
}
