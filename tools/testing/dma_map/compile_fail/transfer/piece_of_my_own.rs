// SPDX-License-Identifier: GPL-2.0
// error: E0451

//! A piece is part of a handle.

use core::marker::PhantomData;
use dma_map::{
    Bidirectional,
    Piece, //
};

pub struct Mine<'a, D, E> {
    pub address: u64,
    pub len: usize,
    pub _handle: (PhantomData<&'a ()>, PhantomData<(D, E)>),
}

pub fn make() -> usize {
    let _: Option<Piece<'_, Bidirectional, ()>> = None;
    // pass: let piece = Mine::<'_, Bidirectional, ()> {
    let piece = Piece::<'_, Bidirectional, ()> {
        address: 0,
        len: 1,
        _handle: (PhantomData, PhantomData),
    };
    core::mem::size_of_val(&piece)
}
