// SPDX-License-Identifier: GPL-2.0

//! Registers of QEMU's `edu` device, in BAR 0.
//!
//! Below 0x80 the device takes 32-bit accesses only. From there on it takes 64-bit ones too, but a
//! 32-bit write sets all of a DMA register, which is enough for a device that addresses at most
//! 32 bits, and [`kernel::io`] can check such an access at build time.

use kernel::{
    io::register,
    pci, //
};

register! {
    /// The identification of the device.
    pub(crate) IDENTIFICATION(u32) @ 0x00 {
        31:24 major;
        23:16 minor;
        /// [`MAGIC`] for an `edu`.
        7:0   magic;
    }

    /// A read gives the complement of what was written last.
    pub(crate) LIVENESS(u32) @ 0x04 {
        31:0 value;
    }

    /// A write starts the computation, a read gives the result, modulo 2^32.
    pub(crate) FACTORIAL(u32) @ 0x08 {
        31:0 value;
    }

    pub(crate) STATUS(u32) @ 0x20 {
        /// Raise [`IRQ_FACTORIAL`] at the end of a computation.
        7:7 factorial_irq => bool;
        /// A factorial is being computed. Writes of [`FACTORIAL`] are ignored.
        0:0 computing => bool;
    }

    /// The interrupts that are raised and not acknowledged.
    pub(crate) IRQ_STATUS(u32) @ 0x24 {
        31:0 events;
    }

    /// A write raises interrupts.
    pub(crate) IRQ_RAISE(u32) @ 0x60 {
        31:0 events;
    }

    /// A write acknowledges interrupts.
    pub(crate) IRQ_ACKNOWLEDGE(u32) @ 0x64 {
        31:0 events;
    }

    pub(crate) DMA_SOURCE(u32) @ 0x80 {
        31:0 address;
    }

    pub(crate) DMA_DESTINATION(u32) @ 0x88 {
        31:0 address;
    }

    /// The number of bytes.
    pub(crate) DMA_COUNT(u32) @ 0x90 {
        31:0 bytes;
    }

    /// A write with `start` starts a transfer; during one, writes of the DMA registers are ignored.
    pub(crate) DMA_COMMAND(u32) @ 0x98 {
        /// Raise [`IRQ_DMA`] at the end.
        2:2 irq => bool;
        /// From the device's buffer to memory; the other way without.
        1:1 to_memory => bool;
        /// Cleared by the device at the end.
        0:0 start => bool;
    }
}

/// The size of the registers that are used.
pub(crate) const END: usize = 0x9c;

/// The low byte of [`IDENTIFICATION`].
pub(crate) const MAGIC: u32 = 0xed;

/// The event of a finished factorial.
pub(crate) const IRQ_FACTORIAL: u32 = 0x001;

/// An event that the device never raises by itself, to test the interrupt with.
pub(crate) const IRQ_TEST: u32 = 0x002;

/// The event of a finished transfer.
pub(crate) const IRQ_DMA: u32 = 0x100;

/// The address of the device's buffer in its own address space.
pub(crate) const BUFFER: u32 = 0x40000;

/// The size of the device's buffer in bytes.
pub(crate) const BUFFER_SIZE: u32 = 4096;

/// BAR 0, as it is mapped.
pub(crate) type Bar<'bound> = pci::Bar<'bound, END>;
