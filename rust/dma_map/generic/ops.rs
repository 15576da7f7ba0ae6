// SPDX-License-Identifier: GPL-2.0

//! Tables of callbacks that C keeps a pointer to.

/// A table of callbacks, to be a `static`: `T` is C's structure.
///
/// Which fields that has, and so whether the compiler takes it for [`Sync`], depends on the kernel's
/// configuration: `struct vm_operations_struct` has a pointer to a structure with
/// `CONFIG_USERFAULTFD` only. This is [`Sync`] whatever they are.
///
/// C only reads it, by a pointer to `const`.
#[repr(transparent)]
pub(crate) struct Ops<T>(T);

// SAFETY: There is no way from a shared reference to the value but its address, which is C's to read.
// So nobody writes, whatever the fields are.
unsafe impl<T> Sync for Ops<T> {}

// A pointer among the fields is what makes the difference.
const _: () = {
    const fn assert_sync<T: Sync>() {}
    assert_sync::<Ops<*const ()>>()
};

impl<T> Ops<T> {
    /// Makes a table.
    pub(crate) const fn new(table: T) -> Self {
        Self(table)
    }

    /// Returns the address, for C.
    pub(crate) const fn as_ptr(&self) -> *const T {
        &raw const self.0
    }
}
