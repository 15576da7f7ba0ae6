// SPDX-License-Identifier: GPL-2.0

//! Numbers in the device's byte order.
//!
//! A device defines the byte order of what it shares with the CPU, which may differ from the CPU's.
//! [`Le`] is a number whose least significant byte comes first in memory, as for PCI devices, and [`Be`]
//! is the opposite. Neither supports arithmetic: the driver converts it where it reads or writes it, and
//! a missing conversion does not compile.
//!
//! Both have the size and the alignment of the number, so that a structure of them has the layout of the
//! device's data sheet, and each is read and written by one access. `zerocopy`'s types have an alignment
//! of 1: an access to one may be several accesses to bytes, and a device may see only some of them.
//!
//! C: `__le32` and its kind, `le32_to_cpu()`, `cpu_to_le32()`.
//!
//! # Examples
//!
//! ```ignore,run
//! use dma_map::endian::Le;
//!
//! #[repr(C)]
//! #[derive(FromBytes, IntoBytes)]
//! struct Command {
//!     address: Le<u64>,
//!     length: Le<u32>,
//!     opcode: Le<u32>,
//! }
//!
//! # const READ: u32 = 2;
//! # let command = DmaCoherent::<Command>::zeroed(dma, Gfp::Kernel)?.give(engine);
//! io_write!(command, .length, 4096.into());
//! barrier::publish(|| io_write!(command, .opcode, READ.into()));
//! let length: u32 = io_read!(command, .length).into();
//! # let command = command.complete()?;
//! # check(length == 4096 && command.opcode == READ.into())?;
//! ```

use kernel::{
    fmt,
    io::{
        IoBackend,
        IoCapable,
        SysMem,
        SysMemBackend, //
    },
    prelude::*, //
};
use zerocopy_derive::Immutable;

/// Defines a byte order of numbers.
macro_rules! order {
    ($(#[$doc:meta])+ $order:ident, $to:ident, $from:ident: $($number:ty),*) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
        #[repr(transparent)]
        pub struct $order<T>(T);

        $(
            impl $order<$number> {
                /// Converts a number to this byte order.
                #[inline(always)]
                pub const fn new(number: $number) -> Self {
                    // INVARIANT: The method's result has these bytes on this CPU.
                    Self(number.$to())
                }

                /// Returns the number in the CPU's byte order.
                #[inline(always)]
                pub const fn get(self) -> $number {
                    <$number>::$from(self.0)
                }
            }

            impl From<$number> for $order<$number> {
                #[inline(always)]
                fn from(number: $number) -> Self {
                    Self::new(number)
                }
            }

            impl From<$order<$number>> for $number {
                #[inline(always)]
                fn from(ordered: $order<$number>) -> Self {
                    ordered.get()
                }
            }
        )*

        // Generic, and not one for each number, so that it is compiled only into a driver that formats
        // one. The formatting of numbers can panic, as far as the machine code shows.
        impl<T> fmt::Debug for $order<T>
        where
            T: Copy + fmt::Debug + From<Self>,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                T::from(*self).fmt(f)
            }
        }
    };
}

order! {
    /// A number with its least significant byte first.
    ///
    /// # Invariants
    ///
    /// The bytes of the field are those of the number in little-endian order, whatever the CPU's order is.
    Le, to_le, from_le: u16, u32, u64
}

order! {
    /// A number with its most significant byte first.
    ///
    /// # Invariants
    ///
    /// The bytes of the field are those of the number in big-endian order, whatever the CPU's order is.
    Be, to_be, from_be: u16, u32, u64
}

/// Implements volatile access: one access to the number inside.
macro_rules! impl_access {
    ($($order:ident<$number:ty>),*) => { $(
        impl IoCapable<$order<$number>> for SysMemBackend {
            #[inline(always)]
            fn io_read(view: SysMem<'_, $order<$number>>) -> $order<$number> {
                let number = Self::as_ptr(view).cast::<$number>();
                // SAFETY: The number is the only field of a transparent structure.
                let number = unsafe { Self::project_view(view, number) };

                // INVARIANT: The type of the view says which order the bytes in memory have.
                $order(<Self as IoCapable<$number>>::io_read(number))
            }

            #[inline(always)]
            fn io_write(view: SysMem<'_, $order<$number>>, value: $order<$number>) {
                let number = Self::as_ptr(view).cast::<$number>();
                // SAFETY: The number is the only field of a transparent structure.
                let number = unsafe { Self::project_view(view, number) };

                <Self as IoCapable<$number>>::io_write(number, value.0);
            }
        }
    )* };
}

impl_access!(Le<u16>, Le<u32>, Be<u16>, Be<u32>);
// Numbers of 64 bits have volatile access on 64-bit machines only.
#[cfg(CONFIG_64BIT)]
impl_access!(Le<u64>, Be<u64>);
