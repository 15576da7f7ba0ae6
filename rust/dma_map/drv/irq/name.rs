// SPDX-License-Identifier: GPL-2.0

//! Names of handlers.

use kernel::{
    fmt,
    prelude::*,
    str::CString, //
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

/// Returns whether C can make a directory of this name in `/proc/irq/<N>`. It warns if it cannot.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
        && name.len() <= MAX
        && name.iter().all(|&byte| byte != b'/')
        && FILES.iter().all(|&file| file != name)
}

/// Makes a name. It is not generic, so that formatting is not compiled into each driver.
///
/// # Errors
///
/// - `EINVAL`: C cannot make a directory of this name in `/proc/irq/<N>`, and would warn.
/// - `ENOMEM`.
pub(super) fn new(name: fmt::Arguments<'_>) -> Result<CString> {
    let name = CString::try_from_fmt(name)?;
    if !is_name(name.to_bytes()) {
        return Err(EINVAL);
    }
    Ok(name)
}
