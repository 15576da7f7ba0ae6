// SPDX-License-Identifier: GPL-2.0

//! ABI of the character device: that of `uapi/linux/nvme_ioctl.h`, as far as it is supported.

use kernel::{
    ioctl::{
        _IO,
        _IOWR, //
    },
    prelude::*, //
};

/// What the numbers of the ioctls have in common.
const TYPE: u32 = b'N' as u32;

pub(crate) const ADMIN_COMMAND: u32 = _IOWR::<Command>(TYPE, 0x41);
pub(crate) const IO_COMMAND: u32 = _IOWR::<Command>(TYPE, 0x43);
pub(crate) const RESET: u32 = _IO(TYPE, 0x44);
pub(crate) const ADMIN_COMMAND_64: u32 = _IOWR::<Command64>(TYPE, 0x47);
pub(crate) const IO_COMMAND_64: u32 = _IOWR::<Command64>(TYPE, 0x48);

/// The timeout in milliseconds of a command that names none.
pub(crate) const TIMEOUT_DEFAULT: u32 = 60_000;

/// The longest timeout in milliseconds.
pub(crate) const TIMEOUT_MAX: u32 = 600_000;

/// `struct nvme_passthru_cmd`, whose result has 32 bits.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub(crate) struct Command {
    pub(crate) opcode: u8,
    pub(crate) flags: u8,
    pub(crate) reserved: u16,
    pub(crate) namespace: u32,
    pub(crate) words_2_3: [u32; 2],
    pub(crate) metadata: u64,
    pub(crate) address: u64,
    pub(crate) metadata_len: u32,
    pub(crate) data_len: u32,
    /// Command words 10 to 15.
    pub(crate) words: [u32; 6],
    pub(crate) timeout_ms: u32,
    pub(crate) result: u32,
}

/// `struct nvme_passthru_cmd64`, whose result has 64 bits. The rest is the same, but for the field that
/// is reserved here.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub(crate) struct Command64 {
    pub(crate) command: Command,
    pub(crate) result: u64,
}

static_assert!(size_of::<Command>() == 72);
static_assert!(size_of::<Command64>() == 80);
