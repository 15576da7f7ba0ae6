# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# What all scripts share, and the sentences of those that can't go on.

# shellcheck source=../lib/host.sh
. "$TOOLS/lib/host.sh"
# shellcheck source=../lib/root.sh
. "$TOOLS/lib/root.sh"

test_toolchain_names() {
	expect gcc "$(toolchain)"
	expect gcc "$(LLVM='' toolchain)"
	expect llvm "$(LLVM=1 toolchain)"
	LLVM=0 expect_error 'use LLVM=1' toolchain
}

test_flavour_names() {
	expect gcc "$(flavour)"
	expect gcc-bench "$(BENCH=1 flavour)"
	expect llvm-bench "$(LLVM=1 BENCH=1 flavour)"
	BENCH=yes expect_error 'use BENCH=1' flavour
	BENCH=1 LLVM=0 expect_error 'use LLVM=1' flavour
}

test_cache_with_a_space_is_refused() {
	DMA_MAP_CACHE="$PWD/a b" expect_error 'space or a colon' use_cache
	[ ! -e "$PWD/a b" ]
}

test_cache_that_can_not_be_made_is_an_error() {
	touch file
	DMA_MAP_CACHE=$PWD/file/cache expect_error 'set DMA_MAP_CACHE' use_cache
}

test_disk_space_is_checked_up_front() {
	CACHE=$PWD
	need_space 1 'a thing'
	expect_error 'a thing needs 999999999 MiB .* are free: make room' need_space 999999999 'a thing'
}

test_leftovers_of_a_killed_run_are_removed_and_nothing_else() {
	CACHE=$PWD
	mkdir root.tmp.123 root.tmp.77 root-trixie-abc source.tmp.123
	drop_leftovers root
	expect 'root-trixie-abc source.tmp.123' "$(echo *)"
}

test_second_run_waits_for_the_first() {
	CACHE=$PWD
	(take_lock thing && sleep 1 && touch finished) &
	sleep 0.3
	take_lock thing 2>said
	[ -e finished ]
	grep -q 'another run is at work' said
}

test_lock_of_a_path_is_beside_it() {
	CACHE=/nonexistent
	take_lock "$PWD/thing"
	! flock -n thing.lock true
	drop_lock
	flock -n thing.lock true
}

test_progress_gives_the_status_and_ends_the_command_with_itself() {
	progress x y 1 . log -- true
	! progress x y 1 . log -- sh -c 'echo out; exit 3'
	expect out "$(cat log)"
	(progress x y 1 . log -- sh -c 'trap "touch ended; exit" TERM; while :; do sleep 0.1; done') &
	sleep 1
	kill -TERM $!
	wait $! || true
	[ -e ended ]
}

test_packages_missing_are_named() {
	dpkg-query() { printf 'installed bash\nnot-installed gcc\ninstalled make\n'; }
	expect 'gcc rustc' "$(missing_packages bash gcc make rustc)"
	expect '' "$(missing_packages bash make)"
	missing_packages bash make >none
}

test_packages_without_root_and_sudo() {
	id() { echo 1000; }
	command() { return 1; }
	expect_error 'needs root and there is no sudo: .*--no-install-recommends gcc make' install_packages gcc make
}

test_private_root_needs_root() {
	id() { echo 1000; }
	expect_error 'needs root: run this as root' need_root_tools
}

test_private_root_needs_mount_namespaces() {
	id() { echo 0; }
	unshare() { return 1; }
	expect_error 'does not allow mount namespaces' need_root_tools
}

test_private_root_needs_mmdebstrap_outside_debian() {
	OS_ID=fedora OS_NAME=Fedora
	command() { return 1; }
	expect_error 'mmdebstrap is not installed' need_mmdebstrap
}

test_private_root_is_another_one_for_other_packages() {
	CACHE=$PWD
	wanted_packages() { echo gcc; }
	local one
	one=$(root_path)
	expect "$one" "$(root_path)"
	wanted_packages() { echo gcc && echo make; }
	[ "$one" != "$(root_path)" ]
}

test_private_root_shows_the_directories_that_it_must() {
	CACHE=/c
	mkdir -p kernel/src
	ln -s src kernel/source
	KDIR=$PWD/kernel
	expect "$TOP /c $PWD $PWD/kernel $PWD/kernel/src" "$(binds | paste -sd' ')"
	local directory
	for directory in / /usr /usr/bin /etc /tmp; do
		pwd() { echo "$directory"; }
		KDIR=$directory
		expect "$TOP /c" "$(binds | paste -sd' ')"
	done
	is_system_directory /usr/src
	! is_system_directory /usr/src/linux
}

test_tally_sums_and_counts_what_broke_off() {
	expect '4 passed, 0 failed' "$("$TOOLS/tally" a 'echo 1 passed, 0 failed' b 'echo 3 passed, 0 failed' 2>/dev/null | tail -n 1)"
	expect '3 passed, 2 failed' "$("$TOOLS/tally" a 'echo 3 passed, 1 failed; exit 1' b 'echo nothing' 2>/dev/null | tail -n 1)"
	expect '1 passed, 1 failed' "$("$TOOLS/tally" a 'echo 1 passed, 0 failed; exit 7' 2>/dev/null | tail -n 1)"
	expect '0 passed, 1 failed' "$("$TOOLS/tally" a 'echo 1 passed, 0 failed; echo more' 2>/dev/null | tail -n 1)"
	expect '2 passed, 1 failed' "$("$TOOLS/tally" a 'echo 2 passed, 0 failed' b 'echo 0 passed, 0 failed' 2>/dev/null | tail -n 1)"
	! "$TOOLS/tally" a 'echo 2 passed, 0 failed' b 'echo 0 passed, 0 failed' >/dev/null 2>&1
}

test_tally_runs_side_by_side_and_says_whose_a_line_is() {
	local output
	# Each waits for the other one: one after the other they would not end.
	output=$("$TOOLS/tally" --parallel \
		a 'touch a; timeout 20 sh -c "until [ -e b ]; do sleep 0.1; done"; echo 1 passed, 0 failed' \
		b 'touch b; timeout 20 sh -c "until [ -e a ]; do sleep 0.1; done"; echo 2 passed, 1 failed; exit 1' \
		2>/dev/null) && exit 1
	expect '3 passed, 1 failed' "$(tail -n 1 <<<"$output")"
	expect 'a: 1 passed, 0 failed' "$(grep '^a: 1' <<<"$output")"
	expect 'b: 2 passed, 1 failed' "$(grep '^b: 2' <<<"$output")"
}

test_tally_lists_all_failures_last() {
	local output inner="$TOOLS/tally c 'printf \"failed (2):\n  u: v\n      why\n\n1 passed, 2 failed\n\"'"
	output=$("$TOOLS/tally" a 'echo FAIL lint; echo 3 passed, 1 failed' b "$inner" d 'echo 1 passed, 0 failed' \
		e 'echo gone' 2>/dev/null) && exit 1
	expect $'failed (4):\n  a: FAIL lint\n  b: c: u: v\n  b: c:     why\n  e: gone' \
		"$(sed -n '/^failed (4)/,/^$/p' <<<"$output")"
}

test_make_help_names_every_target() {
	sed -n 's/^\.PHONY: //p' "$TOP/Makefile" | tr ' ' '\n' | grep -vx help |
		while read -r target; do
			grep -qE "^make $target( |\$)" "$TOP/Makefile" ||
				expect "make help to name $target" 'it does not'
		done
}

# With pipefail, a reader that ends early makes its writer fail, now and then.
test_pipes_are_read_to_their_end() {
	expect '' "$(grep -rnE '[|] *(grep +-[a-zA-Z]*q|head )' "$TOOLS" "$TOP/.ci" --exclude=scripts_test.sh)"
}
