// SPDX-License-Identifier: GPL-2.0

//! Groups of handles in one transfer.

use super::{
    private::Sealed,
    Handle,
    InFlight,
    Post, //
};
use crate::generic::variance::CrateToken;

/// Implements the traits for a group of handles of one type. `$refs` makes a group of references.
macro_rules! group {
    ([$($count:tt)*] $group:ty: $refs:ident, $pieces:ty, $done:ty, $posted:ty) => {
        impl<H: Handle, $($count)*> Sealed for $group {}
        impl<H: InFlight, $($count)*> InFlight for $group {}

        impl<H: Handle, $($count)*> Handle for $group {
            type Pieces<'a> = $pieces;
            type Done = $done;

            #[inline]
            fn is_done(&self) -> bool {
                self.iter().all(H::is_done)
            }

            #[inline]
            fn stop(&self) -> bool {
                // Stops every handle, even if an earlier one could not be stopped.
                self.iter().fold(true, |all, handle| handle.stop() & all)
            }

            #[inline]
            unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
                // SAFETY: The caller guarantees it for each handle of the group.
                self.$refs().map(|handle| unsafe { handle.pieces() })
            }

            #[inline]
            unsafe fn finish(self) -> Self::Done {
                // SAFETY: The caller guarantees it for each handle of the group.
                self.map(|handle| unsafe { handle.finish() })
            }

            #[inline]
            fn release(self) {
                self.into_iter().for_each(H::release);
            }
        }

        impl<H: Post, $($count)*> Post for $group {
            type Posted<K> = $posted;

            #[inline]
            fn post<K>(self, _: CrateToken) -> Self::Posted<K> {
                self.map(|handle| handle.post(CrateToken(())))
            }

            #[inline]
            fn size<K>(posted: &Self::Posted<K>) -> usize {
                let sizes = posted.iter().map(H::size);
                sizes.fold(0, usize::wrapping_add)
            }
        }
    };
}

group!([] Option<H>: as_ref, Option<H::Pieces<'a>>, Option<H::Done>, Option<H::Posted<K>>);
group!([const N: usize] [H; N]: each_ref, [H::Pieces<'a>; N], [H::Done; N], [H::Posted<K>; N]);

macro_rules! tuple {
    ($($handle:ident: $H:ident),+) => {
        impl<$($H: Handle),+> Sealed for ($($H,)+) {}
        impl<$($H: InFlight),+> InFlight for ($($H,)+) {}

        impl<$($H: Handle),+> Handle for ($($H,)+) {
            type Pieces<'a> = ($($H::Pieces<'a>,)+);
            type Done = ($($H::Done,)+);

            #[inline]
            fn is_done(&self) -> bool {
                let ($($handle,)+) = self;
                true $(&& $handle.is_done())+
            }

            #[inline]
            fn stop(&self) -> bool {
                let ($($handle,)+) = self;
                // Stops every handle, even if an earlier one could not be stopped.
                true $(& $handle.stop())+
            }

            #[inline]
            unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
                let ($($handle,)+) = self;
                // SAFETY: The caller guarantees it for each handle of the group.
                unsafe { ($($handle.pieces(),)+) }
            }

            #[inline]
            unsafe fn finish(self) -> Self::Done {
                let ($($handle,)+) = self;
                // SAFETY: The caller guarantees it for each handle of the group.
                unsafe { ($($handle.finish(),)+) }
            }

            #[inline]
            fn release(self) {
                let ($($handle,)+) = self;
                $($handle.release();)+
            }
        }

        impl<$($H: Post),+> Post for ($($H,)+) {
            type Posted<K> = ($($H::Posted<K>,)+);

            #[inline]
            fn post<K>(self, _: CrateToken) -> Self::Posted<K> {
                let ($($handle,)+) = self;
                ($($handle.post(CrateToken(())),)+)
            }

            #[inline]
            fn size<K>(posted: &Self::Posted<K>) -> usize {
                let ($($handle,)+) = posted;
                0usize$(.wrapping_add($H::size($handle)))+
            }
        }
    };
}

tuple!(a: A);
tuple!(a: A, b: B);
tuple!(a: A, b: B, c: C);
tuple!(a: A, b: B, c: C, d: D);
tuple!(a: A, b: B, c: C, d: D, e: E);
tuple!(a: A, b: B, c: C, d: D, e: E, f: F);
