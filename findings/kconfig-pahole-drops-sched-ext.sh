#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A machine without pahole turns a distribution's configuration into that of another
# kernel, and `make olddefconfig` says nothing and succeeds. DEBUG_INFO_BTF depends on
# the version of pahole that Kconfig finds while it runs; SCHED_CLASS_EXT depends on
# DEBUG_INFO_BTF, and has a member in `struct task_struct`. So modules that are built
# from the exact source and the exact configuration of a distribution disagree with
# its kernel on the layout of a task. Without MODVERSIONS nothing looks at that when
# they are loaded.
#
# Seen with linux-source-7.3 and linux-config-7.3 7.3.4-1~bpo13+1 (trixie-backports)
# and dwarves of Debian 13. The script installs them in a temporary root, configures
# twice, once with a PAHOLE= that does not exist, and fails if the results differ from
# what is said here.
set -euo pipefail

PIN=7.3.4-1~bpo13+1

[ "$(id -u)" = 0 ] || { echo "run this as root: it makes a temporary Debian root"; exit 2; }
command -v mmdebstrap >/dev/null || { echo "install the package mmdebstrap first"; exit 2; }

mirror=${DMA_MAP_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || { echo "set DMA_MAP_MIRROR to a Debian mirror's address"; exit 2; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf --one-file-system -- "$work"' EXIT
root=$work/root
keys=/usr/share/keyrings/debian-archive-keyring.gpg

echo "installing the kernel's source, its configurations, gcc and pahole: two minutes, 3 GB"
unshare --mount --propagation private \
	mmdebstrap --mode=root --variant=apt --architectures=amd64 --quiet \
	--aptopt='APT::Sandbox::User "root"' \
	--aptopt='Apt::Install-Recommends "false"' \
	--include="linux-source-7.3=$PIN,linux-config-7.3=$PIN,gcc,make,flex,bison,libc6-dev,xz-utils,dwarves" \
	trixie "$root" \
	"deb [signed-by=$keys] $mirror trixie main" \
	"deb [signed-by=$keys] $mirror trixie-backports main"

inside() {
	unshare --mount --propagation private \
		sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$root" "$@"
}

echo "linux-source-7.3 $PIN, pahole $(inside pahole --version)"
inside tar -C / -xf /usr/src/linux-source-7.3.tar.xz
inside sh -c 'xz -dc /usr/src/linux-config-7.3/config.amd64_none_amd64.xz >/package.config'

# configure NAME MAKE-ARGUMENTS...: leaves /NAME/.config and what make said in NAME.said.
configure() {
	local name=$1
	shift
	mkdir "$root/$name"
	cp "$root/package.config" "$root/$name/.config"
	inside make -s -C /linux-source-7.3 O="/$name" "$@" olddefconfig >"$work/$name.said" 2>&1
}
value() { # NAME OPTION
	sed -n "s/^CONFIG_$2=//p; s/^# CONFIG_$2 is not set/n/p" "$root/$1/.config" | grep . || echo n
}
check() { # WHAT EXPECTED SEEN
	printf '%-52s expected %-3s  seen %s\n' "$1" "$2" "$3"
	[ "$2" = "$3" ] || failed=1
}

failed=0
configure with || { cat "$work/with.said"; exit 1; }
if configure without PAHOLE=/nonexistent; then status=0; else status=$?; fi

check "with pahole: DEBUG_INFO_BTF" y "$(value with DEBUG_INFO_BTF)"
check "with pahole: SCHED_CLASS_EXT" y "$(value with SCHED_CLASS_EXT)"
check "without pahole: status of make" 0 "$status"
check "without pahole: DEBUG_INFO_BTF" n "$(value without DEBUG_INFO_BTF)"
check "without pahole: SCHED_CLASS_EXT" n "$(value without SCHED_CLASS_EXT)"
check "without pahole: lines that name either, or pahole" 0 \
	"$(grep -ciE 'pahole|BTF|SCHED_CLASS_EXT' "$work/without.said" || true)"
check "struct task_struct has a member for SCHED_CLASS_EXT" yes \
	"$(inside awk '/^struct task_struct \{/ { inside = 1 } /^};/ { inside = 0 }
		inside && /CONFIG_SCHED_CLASS_EXT/ { print "yes"; exit }' /linux-source-7.3/include/linux/sched.h)"

[ "$failed" = 0 ] || { echo "the behaviour has changed"; exit 1; }
echo "as described"
