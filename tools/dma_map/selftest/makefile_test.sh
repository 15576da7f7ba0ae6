# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317 source-path=SCRIPTDIR
# The Makefile: which parts make test has, and what is built for them.

# planned VARIABLE=VALUE...: what make test would run, without a word on the environment.
planned() {
	env -u MAKEFLAGS -u TESTS make -C "$TOP" -n test "$@" 2>&1
}

# parts VARIABLE=VALUE...: the labels of what tally would run.
parts() {
	planned "$@" | sed -n 's/.*tally //p' | sed 's/"[^"]*"//g' | xargs
}

test_makefile_parts_of_test() {
	expect 'scripts harness unwatched stock disks tutorial driver configs bench' "$(parts)"
	expect 'harness bench' "$(parts LLVM=1)"
	expect 'scripts harness' "$(parts KDIR=/nonexistent)"
	expect 'stock driver' "$(parts TESTS='stock driver')"
}

test_makefile_parts_build_what_they_need() {
	expect 1 "$(planned TESTS=harness | grep -c 'user_tools')"
	expect 0 "$(planned TESTS='stock configs' | grep -c 'user_tools')"
	expect 0 "$(planned TESTS=scripts | grep -c 'kernel build')"
}

test_makefile_part_that_is_none() {
	! planned TESTS=stck >said
	grep -q 'TESTS=stck is not one of: scripts ' said
}
