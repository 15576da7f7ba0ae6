// SPDX-License-Identifier: GPL-2.0

//! Lifetimes that can be made neither longer nor shorter.
//!
//! A handle must not outlive what its lifetime stands for: a binding, or the handle that a view is of.
//! That no lifetime is made longer is the compiler's affair. But where a lifetime may be made shorter
//! without a word, a value can be put where one that lives longer is expected, if a container on the
//! way takes both for the same type; and then it depends on that container that the value does not
//! come out of it as the other one. So the types of this crate have their lifetimes exactly, and do
//! not lean on containers of other crates.

use core::marker::PhantomData;

/// Makes a type invariant in `'a`.
pub(crate) type Invariant<'a> = PhantomData<fn(&'a ()) -> &'a ()>;

/// Says that the caller is of this crate: an argument of methods of public traits that shorten a lifetime,
/// which a bound on the trait would give to everybody.
pub struct Inside(pub(crate) ());

/// Makes a type invariant in the lifetimes of `T`, which it holds or borrows.
pub(crate) type InvariantIn<T> = PhantomData<fn(T) -> T>;
