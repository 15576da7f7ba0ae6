// SPDX-License-Identifier: GPL-2.0

//! Identify: the structures that this command returns.

use dma_map::endian::Le;
use kernel::prelude::*;

/// The size of every answer.
pub(crate) const SIZE: usize = 4096;

/// What Identify is asked for: command word 10.
pub(crate) mod ask {
    pub(crate) const NAMESPACE: u32 = 0;
    pub(crate) const CONTROLLER: u32 = 1;
    pub(crate) const ACTIVE_NAMESPACES: u32 = 2;
}

/// Identify Controller.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Controller {
    pub(crate) pci_vendor: Le<u16>,
    pub(crate) pci_subsystem_vendor: Le<u16>,
    pub(crate) serial: [u8; 20],
    pub(crate) model: [u8; 40],
    pub(crate) firmware: [u8; 8],
    pub(crate) arbitration_burst: u8,
    pub(crate) ieee: [u8; 3],
    /// Bit 1: the subsystem may have more controllers.
    pub(crate) multi_path: u8,
    /// The largest transfer: 2^n of the smallest pages; 0 if there is no limit.
    pub(crate) transfer_max: u8,
    pub(crate) id: Le<u16>,
    pub(crate) version: Le<u32>,
    /// The time from power-on, and to power-off, in microseconds.
    pub(crate) resume_latency: Le<u32>,
    pub(crate) entry_latency: Le<u32>,
    before_512: [u8; 420],
    pub(crate) submission_entry: u8,
    pub(crate) completion_entry: u8,
    pub(crate) max_commands: Le<u16>,
    pub(crate) namespaces: Le<u32>,
    pub(crate) optional_commands: Le<u16>,
    pub(crate) fused: Le<u16>,
    /// Bit 0: a format is one of all namespaces of the subsystem.
    pub(crate) format_attributes: u8,
    /// Bit 0: there is a cache that can lose data.
    pub(crate) write_cache: u8,
    pub(crate) atomic_write: Le<u16>,
    pub(crate) atomic_write_power_fail: Le<u16>,
    vendor_commands: [u8; 2],
    pub(crate) atomic_compare: Le<u16>,
    reserved_534: [u8; 2],
    /// Whether, and how, SGLs are supported.
    pub(crate) sgl_support: Le<u32>,
    before_768: [u8; 228],
    pub(crate) subsystem: [u8; 256],
    before_end: [u8; 3072],
}

static_assert!(size_of::<Controller>() == SIZE);
static_assert!(core::mem::offset_of!(Controller, multi_path) == 76);
static_assert!(core::mem::offset_of!(Controller, transfer_max) == 77);
static_assert!(core::mem::offset_of!(Controller, entry_latency) == 88);
static_assert!(core::mem::offset_of!(Controller, submission_entry) == 512);
static_assert!(core::mem::offset_of!(Controller, format_attributes) == 524);
static_assert!(core::mem::offset_of!(Controller, sgl_support) == 536);
static_assert!(core::mem::offset_of!(Controller, subsystem) == 768);

/// A format of a namespace's logical blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct LbaFormat {
    /// The bytes of metadata of a block.
    pub(crate) metadata: Le<u16>,
    /// A block has 2^n bytes.
    pub(crate) data_shift: u8,
    pub(crate) performance: u8,
}

static_assert!(size_of::<LbaFormat>() == 4);

/// Identify Namespace.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Namespace {
    /// The number of logical blocks.
    pub(crate) size: Le<u64>,
    pub(crate) capacity: Le<u64>,
    pub(crate) used: Le<u64>,
    pub(crate) features: u8,
    /// The number of formats, less 1.
    pub(crate) formats: u8,
    /// The format that is in use.
    pub(crate) format: u8,
    pub(crate) metadata_capabilities: u8,
    before_30: [u8; 2],
    /// Bit 0: several controllers can have the namespace.
    pub(crate) sharing: u8,
    before_33: [u8; 2],
    /// What a block that was deallocated holds, and whether Write Zeroes can deallocate.
    pub(crate) deallocation: u8,
    before_128: [u8; 94],
    pub(crate) lba_formats: [LbaFormat; 16],
    before_end: [u8; 3904],
}

static_assert!(size_of::<Namespace>() == SIZE);
static_assert!(core::mem::offset_of!(Namespace, format) == 26);
static_assert!(core::mem::offset_of!(Namespace, sharing) == 30);
static_assert!(core::mem::offset_of!(Namespace, deallocation) == 33);
static_assert!(core::mem::offset_of!(Namespace, lba_formats) == 128);

/// The list of active namespaces: in ascending order, and 0 behind the last one.
pub(crate) type NamespaceList = [Le<u32>; SIZE / 4];

/// Returns the active namespaces of a list, up to a number that is not in order.
pub(crate) fn active(list: &NamespaceList) -> impl Iterator<Item = u32> + '_ {
    let mut last = 0;

    list.iter()
        .map(|number| number.get())
        .take_while(move |&number| number > core::mem::replace(&mut last, number))
}

/// What the driver takes from Identify Namespace, after checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// The number of logical blocks.
    pub(crate) blocks: u64,
    /// A block has 2^n bytes.
    pub(crate) block_shift: u32,
    /// Whether another controller can have the namespace, too, and format it.
    pub(crate) is_shared: bool,
}

impl Geometry {
    /// Returns how many bytes `count` blocks have.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a size of a block that [`Namespace::geometry`] never returns.
    pub(crate) fn bytes(self, count: u32) -> Result<u64> {
        // At most 2^48, so no bit is lost.
        match self.block_shift {
            shift @ 0..=16 => Ok(u64::from(count) << shift),
            _ => Err(EINVAL),
        }
    }
}

impl Namespace {
    /// Returns whether blocks may be deallocated when they are zeroed: they then read as zeroes.
    pub(crate) fn deallocates_zeroes(&self) -> bool {
        self.deallocation & 0xf == 0x9
    }

    /// Returns the number of blocks and their size.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: the namespace is not active.
    /// - `EOPNOTSUPP`: its blocks have metadata.
    /// - `EBADMSG`: the format that is in use does not exist, or its blocks have no size that the
    ///   specification allows (512 bytes to 64 KiB here), or the namespace is larger than 2^63 bytes.
    pub(crate) fn geometry(&self) -> Result<Geometry> {
        let blocks = self.size.get();
        if blocks == 0 {
            return Err(ENODEV);
        }
        let index = self.format & 0xf;
        if index > self.formats {
            return Err(EBADMSG);
        }
        let format = self.lba_formats.get(usize::from(index)).ok_or(EBADMSG)?;
        if format.metadata.get() != 0 {
            return Err(EOPNOTSUPP);
        }
        let block_shift = u32::from(format.data_shift);
        if !(9..=16).contains(&block_shift) || blocks > (i64::MAX as u64) >> block_shift {
            return Err(EBADMSG);
        }
        Ok(Geometry {
            blocks,
            block_shift,
            is_shared: self.sharing & 1 != 0,
        })
    }
}

impl Controller {
    /// Returns how many bytes a command moves at most, for pages of 2^`page_shift` bytes.
    ///
    /// At most 2^31, whatever the controller says.
    pub(crate) fn transfer_bytes(&self, page_shift: u32) -> u64 {
        match self.transfer_max {
            0 => 1 << 31,
            n => 1 << u32::from(n).saturating_add(page_shift).min(31),
        }
    }

    /// Returns whether another controller can change the format of a namespace that it does not have.
    pub(crate) fn shares_formats(&self) -> bool {
        self.format_attributes & 1 != 0 && self.multi_path & 2 != 0
    }

    /// Returns whether SGLs can be used for all data.
    pub(crate) fn has_sgls(&self) -> bool {
        matches!(self.sgl_support.get() & 3, 1 | 2)
    }
}

/// Returns a text of the controller's without the spaces that fill it up; what is not printable ASCII
/// ends it.
pub(crate) fn text(bytes: &[u8]) -> &str {
    let end = bytes
        .iter()
        .position(|byte| !(b' '..=b'~').contains(byte))
        .unwrap_or(bytes.len());
    let (text, _) = bytes.split_at_checked(end).unwrap_or((&[], &[]));

    core::str::from_utf8(text).unwrap_or("").trim_end()
}
