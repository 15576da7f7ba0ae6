// SPDX-License-Identifier: GPL-2.0

//! Names of handlers.

use core::fmt::Write;
use kernel::{
    fmt,
    prelude::*, //
};

/// What the kernel has in `/proc/irq/<N>` itself.
const FILES: [&[u8]; 7] = [
    b"affinity_hint",
    b"effective_affinity",
    b"effective_affinity_list",
    b"node",
    b"smp_affinity",
    b"smp_affinity_list",
    b"spurious",
];

/// The longest name of which C makes a directory without cutting it.
const MAX: usize = 127;

/// The name of a handler.
///
/// # Invariants
///
/// `len` is at most [`MAX`]. `bytes` has no NUL before that, and only NULs from there on.
pub(super) struct Name {
    bytes: [u8; MAX + 1],
    len: usize,
}

impl Name {
    /// Formats a name. It is not generic, so that this is not compiled into each driver.
    ///
    /// # Errors
    ///
    /// `EINVAL`: C cannot make a directory of this name in `/proc/irq/<N>`, and would warn.
    pub(super) fn new(name: fmt::Arguments<'_>) -> Result<Self> {
        let mut this = Self {
            bytes: [0; MAX + 1],
            len: 0,
        };
        this.write_fmt(name).map_err(|_| EINVAL)?;
        match this.is_directory() {
            true => Ok(this),
            false => Err(EINVAL),
        }
    }

    /// Returns whether C can make a directory of this name in `/proc/irq/<N>`.
    fn is_directory(&self) -> bool {
        let name = self.bytes.get(..self.len).unwrap_or(&[]);

        !matches!(name, b"" | b"." | b"..")
            && name.iter().all(|&byte| byte != b'/')
            && FILES.iter().all(|&file| file != name)
    }

    /// Returns the name as C wants it: it ends with a NUL.
    pub(super) fn as_char_ptr(&self) -> *const c_char {
        self.bytes.as_ptr()
    }
}

impl Write for Name {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let len = self.len.checked_add(text.len()).ok_or(core::fmt::Error)?;
        let fits = len <= MAX && text.bytes().all(|byte| byte != 0);
        let room = self.bytes.get_mut(self.len..len).filter(|_| fits);

        for (to, from) in room.ok_or(core::fmt::Error)?.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        // INVARIANT: Not more than `MAX`, and what was written has no NUL.
        self.len = len;
        Ok(())
    }
}
