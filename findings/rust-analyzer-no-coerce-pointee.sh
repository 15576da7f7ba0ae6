#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An editor that shows errors in kernel code that rustc accepts: rust-analyzer 1.85 does
# not know the derive `core::marker::CoercePointee`. The kernel's `KBox`, `Arc` and
# `ListArc` get their coercions from it, so each `KBox<T>` that becomes a `KBox<dyn Trait>`
# is shown as E0308 (mismatched types), and the derive as a macro that is not there. That
# is the rust-analyzer that belongs to the oldest rustc with which the kernel builds; it
# is the generated rust-project.json that people then suspect.
#
# Seen with rustc, rust-src and rust-analyzer 1.85.1+dfsg1-1+deb13u1 of Debian 13. The
# script installs them in a temporary root, lets both look at one crate, and fails if they
# say something else than is said here.
set -euo pipefail

PIN=1.85.1+dfsg1-1+deb13u1

[ "$(id -u)" = 0 ] || { echo "run this as root: it makes a temporary Debian root"; exit 2; }
command -v mmdebstrap >/dev/null || { echo "install the package mmdebstrap first"; exit 2; }

mirror=${DMA_MAP_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || { echo "set DMA_MAP_MIRROR to a Debian mirror's address"; exit 2; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf --one-file-system -- "$work"' EXIT
root=$work/root
keys=/usr/share/keyrings/debian-archive-keyring.gpg

echo "installing rustc, its source and rust-analyzer: a minute, 1 GB"
unshare --mount --propagation private \
	mmdebstrap --mode=root --variant=apt --architectures=amd64 --quiet \
	--aptopt='APT::Sandbox::User "root"' \
	--aptopt='Apt::Install-Recommends "false"' \
	--include="rustc=$PIN,rust-src=$PIN,rust-analyzer=$PIN" \
	trixie "$root" \
	"deb [signed-by=$keys] $mirror trixie main"

inside() {
	unshare --mount --propagation private \
		sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$root" "$@"
}

mkdir "$root/crate"
cat >"$root/crate/lib.rs" <<'END'
#![no_std]
#![feature(derive_coerce_pointee)]

#[derive(core::marker::CoercePointee)]
#[repr(transparent)]
pub struct Pointer<'a, T: ?Sized>(&'a T);

pub trait Shape {
    fn edges(&self) -> u32;
}

pub struct Square;

impl Shape for Square {
    fn edges(&self) -> u32 {
        4
    }
}

pub fn erase(square: Pointer<'_, Square>) -> Pointer<'_, dyn Shape> {
    square
}
END
# As the kernel's generator writes it: core is a crate of its own.
cat >"$root/crate/rust-project.json" <<'END'
{
  "crates": [
    {
      "display_name": "core",
      "root_module": "/usr/lib/rustlib/src/rust/library/core/src/lib.rs",
      "edition": "2021",
      "deps": [],
      "cfg": [],
      "is_workspace_member": false
    },
    {
      "display_name": "pointer",
      "root_module": "/crate/lib.rs",
      "edition": "2021",
      "deps": [{ "crate": 0, "name": "core" }],
      "cfg": [],
      "is_workspace_member": true
    }
  ]
}
END

if inside env RUSTC_BOOTSTRAP=1 rustc --edition=2021 --crate-type=rlib --emit=metadata \
	--out-dir=/tmp /crate/lib.rs >"$work/rustc" 2>&1; then status=0; else status=$?; fi
inside env HOME=/tmp sh -c 'cd /crate && rust-analyzer diagnostics .' >"$work/said" 2>&1 || true

echo "$(inside rustc --version), $(inside rust-analyzer --version)"
grep '^Error Rust' "$work/said" || true

failed=0
check() { # WHAT EXPECTED SEEN
	printf '%-52s expected %-3s  seen %s\n' "$1" "$2" "$3"
	[ "$2" = "$3" ] || failed=1
}
check "status of rustc" 0 "$status"
check "its warnings and errors" 0 "$(grep -cE '^(warning|error)' "$work/rustc" || true)"
check "rust-analyzer: the crate was looked at" 1 "$(grep -c 'processing crate: pointer' "$work/said" || true)"
check "rust-analyzer: the derive is no macro" 1 \
	"$(grep -c 'unresolved macro `core::marker::CoercePointee`' "$work/said" || true)"
check "rust-analyzer: E0308 for the coercion" 1 "$(grep -c '"E0308".*dyn Shape' "$work/said" || true)"
check "rust-analyzer: other errors" 0 \
	"$(grep '^Error Rust' "$work/said" | grep -cvE 'CoercePointee|E0308' || true)"

[ "$failed" = 0 ] || { echo "the behaviour has changed"; exit 1; }
echo "as described"
