// SPDX-License-Identifier: GPL-2.0

//! Places of a table of commands: which are free, and the tag that each has.
//!
//! Arithmetic, without memory of the device and without `unsafe`. A tag is the number of a place, in the low
//! bits, below the generation of the place, which counts how often it was used. So a tag that comes late,
//! or twice, is not that of the next command in the same place.

use super::Tagged;
use crate::generic::{
    gfp::Gfp,
    vec, //
};
use core::marker::PhantomData;
use kernel::prelude::*;

struct Place<T> {
    generation: u32,
    /// The place that is free after this one.
    next: u32,
    content: Option<T>,
}

/// Places, each with a `T` or free.
///
/// # Invariants
///
/// - There are from 1 to 2^`bits` places, and `bits` is at most [`Tagged::TAG_BITS`].
/// - The free places are those without content. They are a list from `first` to `last`, linked by `next`,
///   of `free` places.
pub(super) struct Places<P, T> {
    places: KVec<Place<T>>,
    first: u32,
    last: u32,
    free: u32,
    /// The number of bits of a tag that say the place.
    bits: u32,
    _protocol: PhantomData<fn() -> P>,
}

/// The place that is filled next.
pub(super) struct Vacant<'a, P, T> {
    places: &'a mut Places<P, T>,
    tag: u32,
}

impl<P: Tagged, T> Places<P, T> {
    /// Makes `len` places, which are free.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or more than tags of [`Tagged::TAG_BITS`] can tell apart.
    /// - `ENOMEM`.
    pub(super) fn new(len: u32) -> Result<Self> {
        const {
            assert!(
                P::TAG_BITS >= 1 && P::TAG_BITS <= 32,
                "a tag has 1 to 32 bits"
            );
        }
        let last = len.checked_sub(1).ok_or(EINVAL)?;
        // As many bits as the largest place needs.
        let bits = u32::BITS.wrapping_sub(last.leading_zeros());
        if bits > P::TAG_BITS {
            return Err(EINVAL);
        }

        let mut places = vec::with_capacity(len as usize, Gfp::Kernel.flags())?;
        for place in 0..len {
            let place = Place {
                generation: 0,
                next: place.wrapping_add(1),
                content: None,
            };
            vec::push_within_capacity(&mut places, place).map_err(|_| ENOMEM)?;
        }
        // INVARIANT: Checked above. All places are free, and in the list.
        Ok(Self {
            places,
            first: 0,
            last,
            free: len,
            bits,
            _protocol: PhantomData,
        })
    }

    /// Returns the number of free places.
    #[inline]
    pub(super) fn free(&self) -> u32 {
        self.free
    }

    /// Returns the number of places with content.
    #[inline]
    pub(super) fn used(&self) -> u32 {
        // CAST: As many as `len` in `new()`.
        (self.places.len() as u32).wrapping_sub(self.free)
    }

    /// Returns the tag of a place in a generation.
    #[inline]
    fn tag(&self, place: u32, generation: u32) -> u32 {
        let tag = match generation.checked_shl(self.bits) {
            Some(generation) => generation | place,
            None => place,
        };
        // A build error if there are more bits.
        tag & (u32::MAX >> const { 32 - P::TAG_BITS })
    }

    /// Returns the place that a tag says.
    #[inline]
    fn place(&self, tag: u32) -> u32 {
        // With 32 bits there is nothing else in a tag.
        let mask = 1u32
            .checked_shl(self.bits)
            .map_or(u32::MAX, |bit| bit.wrapping_sub(1));
        tag & mask
    }

    /// Returns the place to fill next, or `None` if none is free.
    #[inline]
    pub(super) fn vacant(&mut self) -> Option<Vacant<'_, P, T>> {
        if self.free == 0 {
            return None;
        }
        let generation = self.places.get(self.first as usize)?.generation;
        let tag = self.tag(self.first, generation);
        Some(Vacant { places: self, tag })
    }

    /// Returns the content of the place with this tag, if it has one.
    #[inline]
    pub(super) fn get(&self, tag: u32) -> Option<&T> {
        let number = self.place(tag);
        let place = self.places.get(number as usize)?;

        if tag != self.tag(number, place.generation) {
            return None;
        }
        place.content.as_ref()
    }

    /// Takes the content of the place with this tag, if it has one.
    #[inline]
    pub(super) fn take(&mut self, tag: u32) -> Option<T> {
        self.get(tag)?;
        self.empty(self.place(tag))
    }

    /// Calls `each` with the tag and the content of each place that has one, and empties it.
    pub(super) fn take_all(&mut self, mut each: impl FnMut(u32, T)) {
        // CAST: As many as `len` in `new()`.
        for place in 0..self.places.len() as u32 {
            let generation = self.places.get(place as usize).map_or(0, |p| p.generation);
            if let Some(content) = self.empty(place) {
                each(self.tag(place, generation), content);
            }
        }
    }

    /// Takes the content of a place, if it has one.
    #[inline]
    fn empty(&mut self, number: u32) -> Option<T> {
        let place = self.places.get_mut(number as usize)?;
        let content = place.content.take()?;
        place.generation = place.generation.wrapping_add(1);

        // INVARIANT: The place has no content any more, and becomes the last of the list.
        if self.free == 0 {
            self.first = number;
        } else if let Some(last) = self.places.get_mut(self.last as usize) {
            last.next = number;
        }
        self.last = number;
        self.free = self.free.wrapping_add(1);
        Some(content)
    }
}

impl<P: Tagged, T> Vacant<'_, P, T> {
    /// Returns the tag.
    #[inline]
    pub(super) fn tag(&self) -> u32 {
        self.tag
    }

    /// Fills the place.
    #[inline]
    pub(super) fn fill(self, content: T) {
        let places = self.places;

        if let Some(place) = places.places.get_mut(places.first as usize) {
            // INVARIANT: The place has content, and is not in the list any more.
            place.content = Some(content);
            places.first = place.next;
            places.free = places.free.wrapping_sub(1);
        }
    }
}
