#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# objtool knows core's panic functions of Rust by their mangled names, and takes
# those of arithmetic for names of exactly 24 characters ("24panic_const_"). So it
# knows that an addition that overflows does not return, and not that a remainder
# or a division by zero does not (`panic_const_rem_by_zero` has 23). Where such a
# call is the last instruction of a function, a kernel build with objtool says
# "falls through to next function": of right code, with a compiler that is right.
#
# Seen with objtool of linux-kbuild-7.3.4+deb13 (trixie-backports) and rustc 1.85.1
# (Debian 13). The script installs both in a temporary root, compiles two functions
# that differ in the operator, and fails if objtool sees them otherwise.
set -euo pipefail

KBUILD=linux-kbuild-7.3.4+deb13
RUSTC=1.85.

[ "$(id -u)" = 0 ] || { echo "run this as root: it makes a temporary Debian root"; exit 2; }
command -v mmdebstrap >/dev/null || { echo "install the package mmdebstrap first"; exit 2; }

mirror=${DMA_MAP_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || { echo "set DMA_MAP_MIRROR to a Debian mirror's address"; exit 2; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf --one-file-system -- "$work"' EXIT
root=$work/root
keys=/usr/share/keyrings/debian-archive-keyring.gpg

echo "installing rustc, its sources and $KBUILD, a minute or two"
unshare --mount --propagation private \
	mmdebstrap --mode=root --variant=apt --architectures=amd64 --quiet \
	--aptopt='APT::Sandbox::User "root"' \
	--aptopt='Apt::Install-Recommends "false"' \
	--include="rustc,rust-src,$KBUILD" trixie "$root" \
	"deb [signed-by=$keys] $mirror trixie main" \
	"deb [signed-by=$keys] $mirror trixie-backports main"

# objtool reads its limits in /proc. The mount ends with the command.
inside() {
	unshare --mount --propagation private \
		sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$root" "$@"
}

version=$(inside rustc --version)
echo "$version, $KBUILD $(inside dpkg-query -W -f '${Version}' "$KBUILD")"
case $version in
"rustc $RUSTC"*) ;;
*) echo "another version than $RUSTC*: look whether the behaviour is the same"; exit 1 ;;
esac
objtool=$(inside sh -c "echo /usr/lib/$KBUILD/tools/objtool/objtool")

# As kbuild compiles, as far as it matters here: core too, one section, checks, aborts.
rust() {
	inside env RUSTC_BOOTSTRAP=1 rustc --edition=2021 --crate-type=rlib -Copt-level=2 \
		-Coverflow-checks=y -Cpanic=abort -Ccodegen-units=1 -Zfunction-sections=n \
		-Crelocation-model=static -Csymbol-mangling-version=v0 --sysroot=/dev/null -L/ "$@"
}
echo "compiling core"
core=$(inside sh -c 'echo /usr/lib/rustlib/src/rust/library/core/src/lib.rs')
rust --crate-name=core --emit=metadata,obj --out-dir=/ --cap-lints=allow "$core"
# rustc wants this crate beside it, as the kernel has it: empty.
echo '#![feature(compiler_builtins)] #![compiler_builtins] #![no_std]' >"$root/builtins.rs"
rust --crate-name=compiler_builtins --emit=metadata --out-dir=/ --cap-lints=allow /builtins.rs

# warns OPERATOR: "yes" if objtool lets the function fall through to the next one.
warns() {
	cat >"$root/case.rs" <<-END
		#![no_std]
		#[no_mangle]
		pub fn first(a: usize, b: usize) -> usize {
		    a $1 b
		}
		#[no_mangle]
		pub fn second(a: usize) -> usize {
		    a
		}
	END
	rust --emit=obj -o /case.o /case.rs
	inside env SRCARCH=x86 "$objtool" --orc --output=/out.o /case.o >"$work/said" 2>&1 ||
		{ cat "$work/said"; exit 1; }
	if grep -q 'falls through to next function' "$work/said"; then echo yes; else echo no; fi
}
check() { # WHAT EXPECTED SEEN
	printf '%-44s expected %-3s  seen %s\n' "$1" "$2" "$3"
	[ "$2" = "$3" ] || failed=1
}

failed=0
check "a + b: taken for a function that falls through" no "$(warns +)"
check "a % b: taken for a function that falls through" yes "$(warns %)"
check "a / b: taken for a function that falls through" yes "$(warns /)"

[ "$failed" = 0 ] || { echo "the behaviour has changed"; exit 1; }
echo "as described"
