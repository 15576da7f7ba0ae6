// SPDX-License-Identifier: GPL-2.0

//! Names of handlers.

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
pub(super) fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
        && name.len() <= MAX
        && !name.contains(&b'/')
        && !FILES.contains(&name)
}
