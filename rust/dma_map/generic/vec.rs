// SPDX-License-Identifier: GPL-2.0

//! Vector methods without panic paths.
//!
//! With `CONFIG_RUST_OVERFLOW_CHECKS`, the methods of [`Vec`] that change its length check their
//! arithmetic, although the vector's invariants exclude an overflow. The optimiser does not know the
//! invariants, so each caller would reach a panic function. The functions here use arithmetic that
//! cannot fail.

use core::ptr::NonNull;
use kernel::{
    alloc::{
        layout::ArrayLayout,
        AllocError,
        Allocator,
        Flags,
        NumaNode,
        Vec, //
    },
    prelude::*, //
};

/// `Vec::reserve`: makes room for `additional` more elements.
///
/// # Errors
///
/// `AllocError`: no memory, or the element type has size 0.
#[inline]
pub(crate) fn reserve<T, A: Allocator>(
    vec: &mut Vec<T, A>,
    additional: usize,
    flags: Flags,
) -> Result<(), AllocError> {
    let (len, old) = (vec.len(), vec.capacity());
    // A capacity is never less than the length.
    if old.wrapping_sub(len) >= additional {
        return Ok(());
    }
    grow(vec, additional, flags)
}

/// Reallocates the vector, with room for `additional` more elements.
#[cold]
fn grow<T, A: Allocator>(
    vec: &mut Vec<T, A>,
    additional: usize,
    flags: Flags,
) -> Result<(), AllocError> {
    let (len, old) = (vec.len(), vec.capacity());
    // A vector of elements of size 0 has room for `usize::MAX` already.
    if size_of::<T>() == 0 {
        return Err(AllocError);
    }

    // A capacity in bytes fits `isize`, so twice as many elements do not wrap.
    let wanted = len.checked_add(additional).ok_or(AllocError)?;
    let new = wanted.max(old.wrapping_mul(2));
    let layout = ArrayLayout::<T>::new(new).map_err(|_| AllocError)?;
    // SAFETY: A capacity in bytes fits `isize`.
    let old_layout = unsafe { ArrayLayout::<T>::new_unchecked(old) };

    let (ptr, len, _) = core::mem::replace(vec, Vec::new()).into_raw_parts();
    let memory = NonNull::new(ptr.cast());
    // SAFETY: The pointer is the vector's, allocated by `A` with `old_layout`, or dangling if that is
    // empty.
    let result = unsafe {
        A::realloc(
            memory,
            layout.into(),
            old_layout.into(),
            flags,
            NumaNode::NO_NODE,
        )
    };
    let (ptr, capacity, result) = match result {
        Ok(memory) => (memory.cast().as_ptr(), new, Ok(())),
        Err(error) => (ptr, old, Err(error)),
    };

    // SAFETY: This is the vector's memory, or where `realloc` moved it; the elements are those
    // that were there.
    *vec = unsafe { Vec::from_raw_parts(ptr, len, capacity) };
    result
}

/// Sets the length, as `Vec::inc_len()` does with a checked sum.
///
/// # Safety
///
/// The elements below `len` must be initialised. Those from `len` on are forgotten.
#[inline]
pub(crate) unsafe fn set_len<T, A: Allocator>(vec: &mut Vec<T, A>, len: usize) {
    // SAFETY: The vector is read, and replaced by a new one of its parts, with nothing in between that
    // could use the old value. The elements below `len` are initialised (function precondition).
    unsafe {
        let (ptr, _, capacity) = core::ptr::read(vec).into_raw_parts();
        core::ptr::write(vec, Vec::from_raw_parts(ptr, len, capacity));
    }
}

/// `KVec::with_capacity`: makes an empty vector with room for `capacity` elements.
pub(crate) fn with_capacity<T>(capacity: usize, flags: Flags) -> Result<KVec<T>, AllocError> {
    let mut vec = KVec::new();
    reserve(&mut vec, capacity, flags)?;
    Ok(vec)
}

/// `Vec::push_within_capacity`: appends `value`, or returns it if there is no room.
#[inline]
pub(crate) fn push_within_capacity<T, A: Allocator>(
    vec: &mut Vec<T, A>,
    value: T,
) -> Result<(), T> {
    let len = vec.len();
    if len >= vec.capacity() {
        return Err(value);
    }

    // SAFETY: There is room for one element behind the last one; then it is initialised.
    unsafe {
        vec.as_mut_ptr().add(len).write(value);
        set_len(vec, len.wrapping_add(1));
    }
    Ok(())
}

/// `KVec::push`: appends `value`, or returns it if there is no memory.
#[inline]
pub(crate) fn push<T>(vec: &mut KVec<T>, value: T, flags: Flags) -> Result<(), T> {
    if reserve(vec, 1, flags).is_err() {
        return Err(value);
    }
    push_within_capacity(vec, value)
}

/// Removes the element at `index`, and puts the last one in its place.
pub(crate) fn swap_remove<T>(vec: &mut KVec<T>, index: usize) -> Option<T> {
    let last = vec.len().checked_sub(1)?;
    if index > last {
        return None;
    }

    let ptr = vec.as_mut_ptr();
    // SAFETY: `index` and `last` are indices of elements. The element at `index` is moved out, and the
    // last one to its place, so the first `last` elements are valid afterwards.
    unsafe {
        let value = ptr.add(index).read();
        core::ptr::copy(ptr.add(last), ptr.add(index), 1);
        set_len(vec, last);
        Some(value)
    }
}
