// SPDX-License-Identifier: GPL-2.0

//! C column: the operations of `c_*.c`.

use crate::operation::{
    Opened,
    Prepared, //
};
use core::{
    marker::PhantomData,
    ptr::null_mut, //
};
use dma_map::DmaDevice;
use kernel::{
    bindings::{
        device,
        dma_data_direction, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*, //
};

/// An operation.
pub(crate) use self::dma_map_bench_op as Op;

/// `struct dma_map_bench_op` (`c_bench.h`).
///
/// With `CONFIG_CFI` a call through one of the pointers compares the function's C type with the
/// pointer's. Structures count by their names, so this one and its parameters have those of C.
#[allow(
    non_camel_case_types,
    reason = "the name is a part of the type of C's functions"
)]
#[repr(C)]
pub(crate) struct dma_map_bench_op {
    name: *const c_char,
    size: usize,
    dir: dma_data_direction,
    open: Option<unsafe extern "C" fn(*const Op, *mut device, c_ulong) -> *mut c_void>,
    close: Option<unsafe extern "C" fn(*mut c_void)>,
    prepare: Option<unsafe extern "C" fn(*const Op, *mut device, *mut c_void) -> *mut c_void>,
    run: Option<unsafe extern "C" fn(*mut c_void, c_ulong) -> c_int>,
    finish: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[allow(improper_ctypes, reason = "C knows the layout of bindgen's types")]
extern "C" {
    static dma_map_bench_c_tables: [*const Op; 0];
}

// SAFETY: The tables are constants, which no thread writes to.
unsafe impl Sync for Op {}

/// Returns all operations.
pub(crate) fn operations() -> impl Iterator<Item = &'static Op> {
    let mut table: *const *const Op = (&raw const dma_map_bench_c_tables).cast();
    // SAFETY: `table` points to the first element of the list of lists, which ends with a NULL.
    let mut op = unsafe { *table };

    core::iter::from_fn(move || loop {
        // SAFETY: `op` is NULL or points to an element of a list, which ends with one without a name.
        let found = unsafe { op.as_ref() }?;
        if !found.name.is_null() {
            op = op.wrapping_add(1);
            return Some(found);
        }
        table = table.wrapping_add(1);
        // SAFETY: The element before was not the NULL at the end, so `table` points to an element.
        op = unsafe { *table };
    })
}

impl Op {
    /// Returns the name.
    pub(crate) fn name(&self) -> &'static CStr {
        // SAFETY: The name is a string literal: `operations()` returns only operations with a name.
        unsafe { CStr::from_char_ptr(self.name) }
    }

    /// Sets up the operation for all threads: see [`Open`](crate::operation::Open).
    pub(crate) fn open<'b>(
        &'static self,
        dev: DmaDevice<'b>,
        live: usize,
    ) -> Result<KBox<dyn Opened + 'b>> {
        let state = match self.open {
            // SAFETY: The device is bound during `'b`, for which the returned value borrows it.
            Some(open) => from_err_ptr(unsafe { open(self, raw(dev), live) })?,
            None if live != 0 => return Err(EOPNOTSUPP),
            None => null_mut(),
        };

        // INVARIANT: `state` was returned by `open` above, or is NULL without one.
        let shared = Shared {
            op: self,
            dev,
            state,
        };
        Ok(KBox::new(shared, GFP_KERNEL)?)
    }
}

/// Returns the `struct device`.
fn raw(dev: DmaDevice<'_>) -> *mut device {
    // `device::Device` is a transparent wrapper of `struct device` in an `Opaque`.
    core::ptr::from_ref(dev.device()).cast_mut().cast()
}

/// State that all threads share.
///
/// # Invariants
///
/// `state` is what `open` returned for `dev`, or NULL if the operation has no `open`.
struct Shared<'b> {
    op: &'static Op,
    dev: DmaDevice<'b>,
    state: *mut c_void,
}

// SAFETY: `prepare` and `close` of an operation may be called in any thread.
unsafe impl Send for Shared<'_> {}

// SAFETY: `prepare` may be called from several threads at once: it does not change the state.
unsafe impl Sync for Shared<'_> {}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let prepare = self.op.prepare.ok_or(EINVAL)?;
        // SAFETY: The device is bound during `'b`, and `state` is what `open` returned for it (type
        // invariants).
        let state = from_err_ptr(unsafe { prepare(self.op, raw(self.dev), self.state) })?;

        // INVARIANT: `prepare` has returned `state`. `Own` borrows `self`, so what it was made of stays open.
        let own = Own {
            op: self.op,
            state,
            _shared: PhantomData,
        };
        Ok(KBox::new(own, GFP_KERNEL)?)
    }
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        if let Some(close) = self.op.close {
            // SAFETY: `state` is what `open` returned (type invariants), and is not used again: each
            // thread's state borrows `self`.
            unsafe { close(self.state) };
        }
    }
}

/// State of one thread.
///
/// # Invariants
///
/// `state` is what `prepare` returned. The shared state that it was made of is open during `'s`.
struct Own<'s> {
    op: &'static Op,
    state: *mut c_void,
    _shared: PhantomData<&'s ()>,
}

// SAFETY: `run` and `finish` of an operation may be called in any thread.
unsafe impl Send for Own<'_> {}

impl Prepared for Own<'_> {
    fn run(&mut self, loops: usize) -> Result {
        let run = self.op.run.ok_or(EINVAL)?;
        // SAFETY: `state` is what `prepare` returned (type invariants), and is borrowed exclusively.
        to_result(unsafe { run(self.state, loops) })
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        if let Some(finish) = self.op.finish {
            // SAFETY: `state` is what `prepare` returned (type invariants), and is not used again.
            unsafe { finish(self.state) };
        }
    }
}
