# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by the scripts of tools/dma_map: messages, cache, locks, progress.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
# shellcheck disable=SC2034
TOOLS=$TOP/tools/dma_map
CACHE=
export DMA_MAP_T0=${DMA_MAP_T0:-$(date +%s)}

# For find: leaves out what builds and editors put beside sources.
# shellcheck disable=SC2034
NO_PRODUCTS=(! -name '*.[ao]' ! -name '*.o.d' ! -name '*.ko' ! -name '*.cmd' ! -name '*.mod' ! -name '*.mod.c'
	! -name '*.rmeta' ! -name '*.rsi' ! -name '*.symvers' ! -name modules.order ! -name '*_generated.*'
	! -name '*.swp' ! -name '*~')

# Progress goes to stderr: stdout belongs to what a command was asked for.
say() {
	local t=$(($(date +%s) - DMA_MAP_T0))
	printf '[%3d:%02d] %s\n' $((t / 60)) $((t % 60)) "$*" >&2
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# The same directory is used by the host and, bind-mounted, in the private root.
use_cache() {
	[ -z "$CACHE" ] || return 0
	local home=${HOME:-~}
	CACHE=${DMA_MAP_CACHE:-$home/.cache/dma_map}
	# kbuild splits its arguments at spaces and colons.
	case $CACHE$TOP in
	*[[:space:]:]*) die "kbuild can't work in a path with a space or a colon: move $TOP, or set DMA_MAP_CACHE (now $CACHE)." ;;
	esac
	{ mkdir -p "$CACHE" && [ -w "$CACHE" ]; } 2>/dev/null ||
		die "can't write to the cache directory $CACHE: set DMA_MAP_CACHE to a directory that you can write to."
	CACHE=$(cd "$CACHE" && pwd -P)
	export DMA_MAP_CACHE=$CACHE
}

# need_space MIB WHAT
need_space() {
	local have
	have=$(df -Pm "$CACHE" | awk 'NR == 2 { print $4 }')
	[ "$have" -ge "$1" ] ||
		die "$2 needs $1 MiB in $CACHE and $have MiB are free: make room, or set DMA_MAP_CACHE to a directory on another disk."
}

# take_lock NAME|PATH: held until drop_lock, or until this process and its children
# have ended, so that a second run waits for the first one instead of building
# into the same place. Not in a subshell: a signal would not reach its children.
# What is not in the cache has a path, and its lock is beside it.
take_lock() {
	case $1 in
	/*) exec {LOCK_FD}>"$1.lock" ;;
	*) exec {LOCK_FD}>"$CACHE/$1.lock" ;;
	esac
	flock -n "$LOCK_FD" && return
	say "$1: another run is at work on it, waiting"
	flock "$LOCK_FD"
}

drop_lock() {
	exec {LOCK_FD}>&-
}

# Removes what killed runs left behind. Called with the lock held, so that no
# live run owns any of it. Mounts live in namespaces of their own and are gone.
drop_leftovers() {
	local d
	for d in "$CACHE/$1".tmp.*; do
		[ ! -e "$d" ] || rm -rf --one-file-system -- "$d"
	done
}

# progress LABEL UNIT EXPECTED REGEX LOG -- CMD...
# Runs CMD into LOG, and counts the lines of LOG that match REGEX meanwhile.
# CMD has a process group of its own, to be ended with this script: also by a
# signal to the script alone, which would not reach a foreground command.
progress() {
	local label=$1 unit=$2 expected=$3 regex=$4 log=$5 rc=0 job
	local start=$SECONDS t last=0
	local every=15 format='%s: %d / ~%d %s, %d:%02d\n'
	shift 6
	if [ -t 2 ]; then
		every=1
		format='\r%s: %d / ~%d %s, %d:%02d'
	fi
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	set +m
	job=$!
	trap 'kill -TERM -- -$job; wait; exit 130' INT TERM HUP
	while kill -0 $job 2>/dev/null; do
		# In the background, so that a signal is acted on at once.
		sleep 0.3 &
		wait $! || true
		t=$((SECONDS - start))
		((t - last >= every)) || continue
		last=$t
		# shellcheck disable=SC2059
		printf "$format" "$label" "$(grep -cE "$regex" "$log")" \
			"$expected" "$unit" $((t / 60)) $((t % 60)) >&2
	done
	wait $job || rc=$?
	trap - INT TERM HUP
	[ ! -t 2 ] || printf '\r\033[K' >&2
	return $rc
}

# fail_with_log LOG SENTENCE
fail_with_log() {
	printf -- '--- the last lines of %s:\n' "$1" >&2
	tail -n 20 "$1" >&2
	printf -- '---\n' >&2
	die "$2"
}

# Which of the two toolchains: LLVM=1 means the same as in kbuild.
toolchain() {
	case ${LLVM:-} in
	'') echo gcc ;;
	1) echo llvm ;;
	*) die "LLVM=$LLVM: use LLVM=1 for clang, or leave it out for gcc." ;;
	esac
}

ANY=$TOP/tools/testing/dma_map/configs/any

# any_note NAME KEY: what the comment "# KEY: VALUE" of a configuration says.
any_note() {
	sed -n "s/^# $2: //p" "$ANY/$1.config"
}

# any_flavour TOOLCHAIN: KERNEL= is one of the configurations, which has its compiler.
any_flavour() {
	local wanted=gcc
	[ -r "$ANY/$KERNEL.config" ] ||
		die "KERNEL=$KERNEL: use KERNEL=stock for Debian's kernel, KERNEL=test for that of the tests, or a name that tools/dma_map/configs --list has."
	[ -z "$(any_note "$KERNEL" tree)" ] ||
		die "KERNEL=$KERNEL is built inside a kernel tree, and nothing is built for it outside of one: use make configs NAMES=$KERNEL."
	[ -z "${BENCH:-}${KDIR:-}" ] ||
		die "KERNEL=$KERNEL is a configuration of its own: leave BENCH and KDIR out."
	[ "$(any_note "$KERNEL" compiler)" != clang ] || wanted=llvm
	[ "$wanted" = llvm ] || [ "$1" = gcc ] ||
		die "KERNEL=$KERNEL is built with gcc: leave LLVM=1 out."
	[ "$wanted" = gcc ] || [ "$1" = llvm ] ||
		die "KERNEL=$KERNEL is built with clang: add LLVM=1."
	echo "any-$KERNEL"
}

# Which of the kernels, and where what is built for it goes: that of the tests;
# with BENCH=1, one without debugging, that can be measured; with KERNEL=stock,
# Debian's own; with the name of a configuration, what modules need of such a one.
flavour() {
	local cc
	cc=$(toolchain) || exit
	case ${KERNEL:-test} in
	test) ;;
	stock | stock-cloud | stock-rt)
		[ -z "${LLVM:-}${BENCH:-}${KDIR:-}" ] ||
			die "KERNEL=$KERNEL is Debian's kernel, built with gcc: leave LLVM, BENCH and KDIR out, or take KERNEL=test."
		echo "$KERNEL"
		return
		;;
	*)
		any_flavour "$cc"
		return
		;;
	esac
	case ${BENCH:-} in
	'') echo "$cc" ;;
	1) echo "$cc-bench" ;;
	*) die "BENCH=$BENCH: use BENCH=1 for the kernel that is measured, or leave it out for that of the tests." ;;
	esac
}
