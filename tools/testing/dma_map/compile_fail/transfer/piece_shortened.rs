// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A piece has the lifetime of the transfer that it is part of, and no other.

use dma_map::{
    Piece,
    ToDevice, //
};

pub fn shorten<'short, 'handle: 'short, E>(
    piece: Piece<'handle, ToDevice, E>,
    _until: &'short (),
    // pass: ) -> Piece<'handle, ToDevice, E> {
) -> Piece<'short, ToDevice, E> {
    piece
}
