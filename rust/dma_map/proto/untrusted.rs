// SPDX-License-Identifier: GPL-2.0

//! Untrusted values: what a device wrote, before the driver has checked it.
//!
//! A device, its firmware, or the host of a virtual machine may write anything at any time. Two mistakes
//! follow from that: to use a value without a check, and to check one value and use another, because it
//! was read twice. Here, a read returns an [`Untrusted`] value, which a driver can only check, and the
//! check consumes it. Where a value must be read only once, the read consumes the access to it
//! ([`Once`]).

use crate::view::CoherentView;
use kernel::{
    dma::DmaAddress,
    io::Io,
    prelude::*, //
};

/// A value that a device wrote and the driver has not checked yet.
///
/// It cannot be compared, printed, copied or used in arithmetic. All checks consume it, and fail with
/// `EBADMSG`.
///
/// # Examples
///
/// ```ignore,run
/// # fn example(view: CoherentView<'_, u32>, slots: &[u32]) -> Result {
/// let status = view.once().read();
/// let slot = status.index(slots.len())?;
/// # check(slot < slots.len())
/// # }
/// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
/// #     let status = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?.give(engine);
/// #     check(example(status.view(), &[]).is_err())?;
/// #     example(status.view(), &[7])
/// # }
/// ```
#[must_use = "what a device wrote is to be checked"]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value as untrusted, for example one that was read from a register.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Converts the value by `check`, which may refuse it.
    ///
    /// For checks that this type does not have. The caller trusts what `check` returns.
    #[inline]
    pub fn validate<R>(self, check: impl FnOnce(T) -> Result<R>) -> Result<R> {
        check(self.0)
    }

    /// Converts the value by `part`, for example to a field of it. The result is still untrusted.
    #[inline]
    pub fn map<R>(self, part: impl FnOnce(T) -> R) -> Untrusted<R> {
        Untrusted(part(self.0))
    }

    /// Returns the value if it equals `expected`.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it differs.
    #[inline]
    pub fn exactly(self, expected: T) -> Result<T>
    where
        T: PartialEq,
    {
        (self.0 == expected).then_some(expected).ok_or(EBADMSG)
    }

    /// Converts the value to an enumeration, or to another type that does not have all values.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if the type does not have the value.
    #[inline]
    pub fn convert<R: TryFrom<T>>(self) -> Result<R> {
        R::try_from(self.0).map_err(|_| EBADMSG)
    }

    /// Returns the value as an index into `len` elements.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it is `len` or more.
    #[inline]
    pub fn index(self, len: usize) -> Result<usize>
    where
        usize: TryFrom<T>,
    {
        let index = self.convert()?;
        (index < len).then_some(index).ok_or(EBADMSG)
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
        let length = self.convert()?;
        (length <= max).then_some(length).ok_or(EBADMSG)
    }
}

/// A value in shared memory that can be read once.
///
/// [`CoherentView::once`] makes it, and so do the types that give access to a device's data. Unlike the
/// view, it is not [`Copy`], so its owner can read the value only once.
#[must_use]
pub struct Once<'a, T: ?Sized>(CoherentView<'a, T>);

impl<'a, T: FromBytes> Once<'a, T> {
    /// Reads the value, which may be torn if the device is writing it.
    ///
    /// Context: any.
    #[inline]
    pub fn read(self) -> Untrusted<T> {
        Untrusted(self.0.copy_read())
    }
}

impl<T: ?Sized> Once<'_, T> {
    /// Returns the address at which the device reaches the value.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.0.dma_address()
    }
}

impl<'a, T: ?Sized> CoherentView<'a, T> {
    /// Converts the view into one that can be read once.
    ///
    /// Context: any.
    #[inline]
    pub fn once(self) -> Once<'a, T> {
        Once(self)
    }
}
