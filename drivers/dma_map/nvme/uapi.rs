// SPDX-License-Identifier: GPL-2.0

//! ABI of both nodes, the controller's and a disk's: that of `uapi/linux/nvme_ioctl.h`, as far as it is supported.

use kernel::{
    ioctl::{
        _IO,
        _IOW,
        _IOWR, //
    },
    prelude::*, //
};

/// What the numbers of the ioctls have in common.
const TYPE: u32 = b'N' as u32;

/// Returns the number of the namespace, of a disk.
pub(crate) const ID: u32 = _IO(TYPE, 0x40);
pub(crate) const ADMIN_COMMAND: u32 = _IOWR::<Command>(TYPE, 0x41);
/// A read or a write of a disk. A 32-bit process does not pad the structure.
pub(crate) const SUBMIT_IO: u32 = _IOW::<UserIo>(TYPE, 0x42);
pub(crate) const SUBMIT_IO_32: u32 = _IOW::<[u8; UserIo::LEN]>(TYPE, 0x42);
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
#[derive(Clone, Copy, Default, FromBytes, IntoBytes)]
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

/// `struct nvme_user_io`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes)]
pub(crate) struct UserIo {
    pub(crate) opcode: u8,
    pub(crate) flags: u8,
    pub(crate) control: u16,
    /// The number of blocks, less 1.
    pub(crate) blocks: u16,
    reserved: u16,
    /// Of namespaces with metadata, which are no disks.
    metadata: u64,
    pub(crate) address: u64,
    pub(crate) first: u64,
    pub(crate) words_13_14: [u32; 2],
    pub(crate) tag: u16,
    pub(crate) tag_mask: u16,
    padding: u32,
}

impl UserIo {
    /// The length without the padding.
    pub(crate) const LEN: usize = 44;
}

static_assert!(size_of::<UserIo>() == 48);
static_assert!(size_of::<Command>() == 72);
static_assert!(size_of::<Command64>() == 80);
