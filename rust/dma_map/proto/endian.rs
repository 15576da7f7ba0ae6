// SPDX-License-Identifier: GPL-2.0

//! Numbers in the byte order of the device.
//!
//! A device defines the byte order of what it shares with the CPU, and the CPU's own may be another
//! one. [`Le`] is a number of which the least significant byte comes first in memory, as PCI devices
//! have it, and [`Be`] is the opposite. Neither is a number to compute with: it is converted where
//! it is read or written, and a conversion that is missing does not compile.
//!
//! Both have the size and the alignment of the number, so that a structure of them looks as the
//! device's document has it, and each is read and written by one access. `zerocopy`'s types of that
//! kind have an alignment of 1: an access to them may be four accesses to bytes, of which a device
//! can see some.
//!
//! C: `__le32` and its kind, `le32_to_cpu()`, `cpu_to_le32()`.
//!
//! # Examples
//!
//! ```ignore
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

/// A number with its least significant byte first.
///
/// # Invariants
///
/// The bytes of the field are those of the number in this order, whatever the CPU's order is.
#[derive(Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(transparent)]
pub struct Le<T>(T);

/// A number with its most significant byte first.
///
/// # Invariants
///
/// As those of [`Le`].
#[derive(Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(transparent)]
pub struct Be<T>(T);

macro_rules! impl_order {
    ($order:ident, $to:ident, $from:ident: $($number:ty),*) => { $(
        impl $order<$number> {
            /// Converts a number.
            #[inline(always)]
            pub const fn new(number: $number) -> Self {
                // INVARIANT: The method returns the number whose bytes on this CPU are those.
                Self(number.$to())
            }

            /// Returns the number.
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
    )* };
}

impl_order!(Le, to_le, from_le: u16, u32, u64);
impl_order!(Be, to_be, from_be: u16, u32, u64);

// Not one for each number: then there is code in the driver only, if that formats one. The formatting of
// numbers can panic, as far as the machine code tells.
impl<T> fmt::Debug for Le<T>
where
    T: Copy + fmt::Debug + From<Self>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::from(*self).fmt(f)
    }
}

impl<T> fmt::Debug for Be<T>
where
    T: Copy + fmt::Debug + From<Self>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::from(*self).fmt(f)
    }
}

/// One volatile access, to the number inside.
macro_rules! impl_access {
    ($($order:ident<$number:ty>),*) => { $(
        impl IoCapable<$order<$number>> for SysMemBackend {
            #[inline(always)]
            fn io_read(view: SysMem<'_, $order<$number>>) -> $order<$number> {
                let number = Self::as_ptr(view).cast::<$number>();
                // SAFETY: The only field of a transparent structure.
                let number = unsafe { Self::project_view(view, number) };

                // INVARIANT: What is in memory has the order that the type of the view says.
                $order(<Self as IoCapable<$number>>::io_read(number))
            }

            #[inline(always)]
            fn io_write(view: SysMem<'_, $order<$number>>, value: $order<$number>) {
                let number = Self::as_ptr(view).cast::<$number>();
                // SAFETY: As above.
                let number = unsafe { Self::project_view(view, number) };

                <Self as IoCapable<$number>>::io_write(number, value.0);
            }
        }
    )* };
}

impl_access!(Le<u16>, Le<u32>, Be<u16>, Be<u32>);
// As the numbers themselves.
#[cfg(CONFIG_64BIT)]
impl_access!(Le<u64>, Be<u64>);
