# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# enter.sh ROOT DIRECTORY BIND... -- CMD...
# Runs CMD in ROOT, at DIRECTORY, with each BIND visible at its own path. To be
# started in a mount namespace of its own: nothing here is ever unmounted, the
# mounts end with the namespace, so that removing ROOT can't reach a BIND.
set -euo pipefail

root=$1 directory=$2
shift 2

mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
# Before the binds: one of them may lie in /tmp.
mount -t tmpfs tmpfs "$root/tmp"
while [ "$1" != -- ]; do
	mkdir -p "$root$1"
	mount --bind "$1" "$root$1"
	shift
done
shift
for file in /etc/resolv.conf /etc/hosts; do
	[ -e $file ] || continue
	[ -e "$root$file" ] || : >"$root$file"
	mount --bind $file "$root$file"
done

exec chroot "$root" env --chdir="$directory" "$@"
