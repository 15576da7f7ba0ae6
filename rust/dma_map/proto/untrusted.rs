// SPDX-License-Identifier: GPL-2.0

//! What a device wrote, before it was checked.
//!
//! A device, or the firmware on it, or the host of a virtual machine, writes what it likes, when
//! it likes. Two mistakes follow from that: to use a value without a check, and to check one value
//! and use another, because it was read twice. Here, a read gives an [`Untrusted`] value that
//! nothing can be done with but to check it, which consumes it; and where a value must be read only
//! once, reading consumes the way to it ([`Once`]).

use crate::view::{
    CoherentBackend,
    CoherentView, //
};
use kernel::{
    dma::DmaAddress,
    io::{
        Io,
        IoBase, //
    },
    prelude::*, //
};

/// A value that a device wrote, and that was not checked yet.
///
/// It cannot be compared, printed, copied or computed with. All checks consume it, and fail with
/// `EBADMSG`.
///
/// # Examples
///
/// ```ignore
/// # fn example(view: CoherentView<'_, u32>, slots: &[u32]) -> Result {
/// let status = view.once().read();
/// let slot = status.index(slots.len())?;
/// # Ok(())
/// # }
/// ```
#[must_use = "what a device wrote is to be checked"]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value as untrusted: one that was read from a register, for example.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Makes something of the value, or refuses it.
    ///
    /// The way in for checks that are not here. What `check` returns is trusted from here on.
    #[inline]
    pub fn validate<R>(self, check: impl FnOnce(T) -> Result<R>) -> Result<R> {
        check(self.0)
    }

    /// Takes out a part, still untrusted.
    #[inline]
    pub fn map<R>(self, part: impl FnOnce(T) -> R) -> Untrusted<R> {
        Untrusted(part(self.0))
    }

    /// Returns the value if it is what was expected.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it is not.
    #[inline]
    pub fn exactly(self, expected: T) -> Result<T>
    where
        T: PartialEq,
    {
        if self.0 == expected {
            Ok(expected)
        } else {
            Err(EBADMSG)
        }
    }

    /// Returns the value as one of an enumeration, or as another type that not all values fit.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it does not fit.
    #[inline]
    pub fn convert<R: TryFrom<T>>(self) -> Result<R> {
        R::try_from(self.0).map_err(|_| EBADMSG)
    }

    /// Returns the value as an index of something with `len` elements.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it is `len` or more.
    #[inline]
    pub fn index(self, len: usize) -> Result<usize>
    where
        usize: TryFrom<T>,
    {
        self.convert()
            .and_then(|index| if index < len { Ok(index) } else { Err(EBADMSG) })
    }

    /// Returns the value as a length of at most `max`.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it is more.
    #[inline]
    pub fn length(self, max: usize) -> Result<usize>
    where
        usize: TryFrom<T>,
    {
        self.convert().and_then(|length| {
            if length <= max {
                Ok(length)
            } else {
                Err(EBADMSG)
            }
        })
    }
}

/// A way to a value in shared memory that can be gone once.
///
/// Made by [`CoherentView::once`] and by the types that hand out what a device wrote. It is not
/// [`Copy`], as the view is: who has it can read the value one time.
#[must_use]
pub struct Once<'a, T: ?Sized>(CoherentView<'a, T>);

impl<'a, T: FromBytes> Once<'a, T> {
    /// Reads the value, which may be torn if the device is writing it.
    ///
    /// Context: any.
    #[inline]
    pub fn read(self) -> Untrusted<T> {
        Untrusted(CoherentBackend::copy(self.0))
    }
}

impl<T: ?Sized> Once<'_, T> {
    /// Returns the address at which the device reaches the value.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.0.dma_address()
    }
}

impl CoherentBackend {
    /// Copies a value out of shared memory, in one go.
    #[inline]
    pub(crate) fn copy<T: FromBytes>(view: CoherentView<'_, T>) -> T {
        view.as_view().copy_read()
    }
}

impl<'a, T: ?Sized> CoherentView<'a, T> {
    /// Narrows the view to one that reads once.
    ///
    /// Context: any.
    #[inline]
    pub fn once(self) -> Once<'a, T> {
        Once(self)
    }
}
