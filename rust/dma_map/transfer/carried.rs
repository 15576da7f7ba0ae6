// SPDX-License-Identifier: GPL-2.0

//! Carried values: the implementations of the traits for a value that no device reaches.

use super::{
    private::Sealed,
    Carried,
    Handle,
    InFlight,
    Post, //
};
use crate::generic::variance::CrateToken;

impl<C> Sealed for Carried<C> {}
impl<C> InFlight for Carried<C> {}

impl<C> Handle for Carried<C> {
    type Pieces<'a> = ();
    type Done = Self;

    #[inline]
    fn is_done(&self) -> bool {
        true
    }

    #[inline]
    fn stop(&self) -> bool {
        true
    }

    #[inline]
    unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {}

    #[inline]
    unsafe fn finish(self) -> Self {
        self
    }
}

impl<C> Post for Carried<C> {
    type Posted<K> = Self;

    #[inline]
    fn post<K>(self, _: CrateToken) -> Self {
        self
    }

    #[inline]
    fn size<K>(_: &Self) -> usize {
        0
    }
}
