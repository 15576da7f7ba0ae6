// SPDX-License-Identifier: GPL-2.0

//! Byte patterns: neighbours, blocks and patterns differ, so that misplaced bytes show.

use kernel::prelude::*;

/// The bytes of a block.
const BLOCK: usize = 256;

/// A block, in words: patterns are made and compared a word at a time, because the sanitizer looks
/// at each access.
type Block = [u64; BLOCK / 8];

/// The first block of the pattern 0.
const FIRST: Block = {
    let mut block = [0; BLOCK / 8];
    let mut i = 0;
    while i < BLOCK / 8 {
        let mut bytes = [0; 8];
        let mut j = 0;
        while j < 8 {
            bytes[j] = ((8 * i + j) * 7) as u8;
            j += 1;
        }
        block[i] = u64::from_ne_bytes(bytes);
        i += 1;
    }
    block
};

/// What the bytes of block `number` differ in from those of the first block of the pattern 0.
fn difference(seed: u8, number: usize) -> u8 {
    number.wrapping_mul(31) as u8 ^ seed
}

/// The byte that stands at `index` in the pattern `seed`.
pub(crate) fn at(seed: u8, index: usize) -> u8 {
    index.wrapping_mul(7) as u8 ^ difference(seed, index / BLOCK)
}

/// Block `number` of the pattern `seed`.
fn block(seed: u8, number: usize) -> Block {
    let all = u64::from_ne_bytes([difference(seed, number); 8]);
    FIRST.map(|word| word ^ all)
}

/// Calls `f` with each part of `len` bytes from `start` on: its place in them, and what it is.
fn for_each_part(
    seed: u8,
    start: usize,
    len: usize,
    mut f: impl FnMut(core::ops::Range<usize>, &[u8]) -> bool,
) -> bool {
    let mut done = 0;
    while done < len {
        let (number, offset) = ((start + done) / BLOCK, (start + done) % BLOCK);
        let step = (BLOCK - offset).min(len - done);
        let block = block(seed, number);
        if !f(done..done + step, &block.as_bytes()[offset..offset + step]) {
            return false;
        }
        done += step;
    }
    true
}

/// Writes the part of the pattern `seed` that begins at `start`.
pub(crate) fn fill(bytes: &mut [u8], seed: u8, start: usize) {
    for_each_part(seed, start, bytes.len(), |range, part| {
        bytes[range].copy_from_slice(part);
        true
    });
}

/// Returns whether `bytes` are the part of the pattern `seed` that begins at `start`.
pub(crate) fn holds(bytes: &[u8], seed: u8, start: usize) -> bool {
    for_each_part(seed, start, bytes.len(), |range, part| {
        bytes[range] == *part
    })
}
