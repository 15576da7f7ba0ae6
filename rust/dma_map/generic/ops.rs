// SPDX-License-Identifier: GPL-2.0

//! Operation tables: `static`s of callbacks that C keeps a pointer to.

/// A table of callbacks for a `static`. `T` is the C structure.
///
/// The fields of `T` depend on the kernel's configuration, and so does whether `T` is [`Sync`]: `struct
/// vm_operations_struct` has a pointer only with `CONFIG_USERFAULTFD`. This type is always [`Sync`].
///
/// C only reads the table, by a pointer to `const`.
#[repr(transparent)]
pub(crate) struct Ops<T>(T);

// SAFETY: A shared reference gives only the address of the value, through which C reads. Nothing writes
// to the value, whatever its fields are.
unsafe impl<T> Sync for Ops<T> {}

// A pointer field is what makes `T` not `Sync`.
const _: () = {
    const fn assert_sync<T: Sync>() {}
    assert_sync::<Ops<*const ()>>()
};

impl<T> Ops<T> {
    /// Makes a table.
    pub(crate) const fn new(table: T) -> Self {
        Self(table)
    }

    /// Returns the address of the table, for C.
    pub(crate) const fn as_ptr(&self) -> *const T {
        &raw const self.0
    }
}
