// SPDX-License-Identifier: GPL-2.0

//! Log pages.

use dma_map::endian::Le;
use kernel::prelude::*;

/// The identifier of [`Smart`].
pub(crate) const SMART: u32 = 2;

/// The SMART / health information log.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Smart {
    /// What is critical, as bits; 0 if nothing is.
    pub(crate) warnings: u8,
    /// In kelvins. Not aligned, so two bytes.
    pub(crate) temperature: [u8; 2],
    /// What is left of the spare blocks, and from where on it is critical, in percent.
    pub(crate) spare: u8,
    pub(crate) spare_threshold: u8,
    pub(crate) used: u8,
    before_32: [u8; 26],
    /// Each count has 128 bits.
    pub(crate) units_read: [Le<u64>; 2],
    pub(crate) units_written: [Le<u64>; 2],
    pub(crate) reads: [Le<u64>; 2],
    pub(crate) writes: [Le<u64>; 2],
    pub(crate) busy_minutes: [Le<u64>; 2],
    pub(crate) power_cycles: [Le<u64>; 2],
    pub(crate) power_on_hours: [Le<u64>; 2],
    pub(crate) unsafe_shutdowns: [Le<u64>; 2],
    pub(crate) media_errors: [Le<u64>; 2],
    pub(crate) error_entries: [Le<u64>; 2],
    before_end: [u8; 320],
}

static_assert!(size_of::<Smart>() == 512);
static_assert!(core::mem::offset_of!(Smart, units_read) == 32);
static_assert!(core::mem::offset_of!(Smart, error_entries) == 176);

impl Smart {
    /// Returns the temperature in kelvins.
    pub(crate) fn kelvins(&self) -> u16 {
        u16::from_le_bytes(self.temperature)
    }
}
