// SPDX-License-Identifier: GPL-2.0

//! Invariant lifetimes: lifetimes that can be made neither longer nor shorter.
//!
//! A handle must not outlive the binding, or the handle that it is a view of. The compiler never makes
//! a lifetime longer. But if a lifetime may be made shorter implicitly, a value can be stored where a
//! longer-lived one is expected, when a container in between takes both for the same type. Soundness
//! would then depend on that container. So the types of this crate are invariant in their lifetimes,
//! and do not rely on containers of other crates.

use core::marker::PhantomData;

/// A marker that makes a type invariant in `'a`.
pub(crate) type Invariant<'a> = PhantomData<fn(&'a ()) -> &'a ()>;

/// Proof that the caller is in this crate: an argument of public trait methods that only this crate may
/// call.
pub struct CrateToken(pub(crate) ());

/// A marker that makes a type invariant in the lifetimes of `T`, which it holds or borrows.
pub(crate) type InvariantIn<T> = PhantomData<fn(T) -> T>;
