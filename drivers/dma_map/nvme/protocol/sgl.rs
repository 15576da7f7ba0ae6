// SPDX-License-Identifier: GPL-2.0

//! SGL descriptors: data as a list of segments of any address and length.

use super::{
    command::{
        widen,
        Pointer, //
    },
    lists::{
        self,
        Link,
        Lists, //
    },
    prp::Segment, //
};
use dma_map::{
    endian::Le,
    pool::PoolRef,
    Engine,
    Gfp, //
};
use kernel::prelude::*;

/// An SGL descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Descriptor {
    pub(crate) address: Le<u64>,
    pub(crate) length: Le<u32>,
    /// The kind, in the highest byte.
    pub(crate) kind: Le<u32>,
}

static_assert!(size_of::<Descriptor>() == SIZE);

const SIZE: usize = 16;

/// What a descriptor leads to.
pub(crate) mod kind {
    /// Data.
    pub(crate) const DATA: u32 = 0x00 << 24;
    /// Descriptors, the last of which leads to further ones.
    pub(crate) const SEGMENT: u32 = 0x20 << 24;
    /// Descriptors of data only.
    pub(crate) const LAST_SEGMENT: u32 = 0x30 << 24;
}

impl Descriptor {
    /// Describes a part of the data.
    ///
    /// # Errors
    ///
    /// `EINVAL`: 4 GiB or more.
    pub(super) fn data((address, len): Segment) -> Result<Self> {
        Ok(Self {
            address: widen(address).into(),
            length: u32::try_from(len)?.into(),
            kind: kind::DATA.into(),
        })
    }

    /// Describes a list of descriptors.
    fn list(link: Link) -> Self {
        let kind = match link.is_last {
            true => kind::LAST_SEGMENT,
            false => kind::SEGMENT,
        };
        Self {
            address: widen(link.address).into(),
            // CAST: A list is a block of a pool, of a few pages at most.
            length: (link.used.wrapping_mul(SIZE) as u32).into(),
            kind: kind.into(),
        }
    }

    /// Describes all of the data.
    #[inline]
    pub(crate) fn of(address: u64, length: u32) -> Self {
        Self {
            address: address.into(),
            length: length.into(),
            kind: kind::DATA.into(),
        }
    }

    /// Describes a list of `used` descriptors of data, which is the last one.
    pub(super) fn last(address: u64, used: usize) -> Self {
        Self {
            address: address.into(),
            // CAST: As in `list`.
            length: (used.wrapping_mul(SIZE) as u32).into(),
            kind: kind::LAST_SEGMENT.into(),
        }
    }

    /// Returns the two words of the descriptor.
    pub(super) fn words(self) -> [u64; 2] {
        let high = u64::from(self.kind.get()) << 32;
        [self.address.get(), high | u64::from(self.length.get())]
    }

    /// Returns the descriptor as the command has it.
    pub(crate) fn pointer(self) -> Pointer {
        Pointer::Sgl(self.words())
    }
}

/// Describes data by SGL descriptors.
///
/// Returns what goes into the command, and the lists that it leads to.
///
/// Context: that of an allocation with `gfp`.
///
/// # Errors
///
/// - `EINVAL`: there is no data, or a segment of 4 GiB or more, or the data needs too many lists.
/// - `ENOMEM`.
pub(crate) fn describe<P, E, const N: usize>(
    segments: impl Iterator<Item = Segment> + Clone,
    pool: P,
    engine: E,
    gfp: Gfp,
) -> Result<(Pointer, Lists<P, E>)>
where
    P: PoolRef<Element = [Descriptor; N]> + Clone,
    E: Engine + Clone,
{
    let mut descriptors = segments.map(Descriptor::data);
    let count = descriptors.clone().count();
    if count <= 1 {
        let only = descriptors.next().ok_or(EINVAL)??;
        return Ok((only.pointer(), lists::none()));
    }

    let (lists, start) = lists::build(pool, engine, count, descriptors, Descriptor::list, gfp)?;
    Ok((Descriptor::list(start).pointer(), lists))
}
