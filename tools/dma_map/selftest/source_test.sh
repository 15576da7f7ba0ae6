# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# Which version of the kernel source is taken.

# shellcheck source=../lib/source.sh
. "$TOOLS/lib/source.sh"

# with_versions VERSION...: choose_version in an archive that has these.
with_versions() {
	local -a have=("$@")
	PIN_SUITE=some-backports PIN_PACKAGE=linux-source-7.3 PIN_SERIES=7.3 PIN_VERSION=7.3.4-1~bpo13+1
	private_apt() {
		printf 'linux-source-7.3 | %s | mirror some-backports/main amd64 Packages\n' "${have[@]}"
	}
	choose_version .
}

test_source_takes_the_pinned_version() {
	expect '7.3.4-1~bpo13+1' "$(with_versions '7.3.9-1~bpo13+1' '7.3.4-1~bpo13+1' 2>/dev/null)"
}

test_source_takes_the_newest_of_the_series_when_the_pinned_is_gone() {
	expect '7.3.12-1~bpo13+1' \
		"$(with_versions '7.3.9-1~bpo13+1' '7.3.12-1~bpo13+1' '7.4.1-1~bpo13+1' 2>/dev/null)"
}

test_source_says_that_it_is_another_version() {
	with_versions '7.3.9-1~bpo13+1' 2>&1 >/dev/null | grep '7.3.4-1~bpo13+1 is gone.*taking 7.3.9-1~bpo13+1' >/dev/null
}

test_source_gone_altogether_is_an_error() {
	expect_error 'no linux-source-7.3 any more.*KDIR=' with_versions '7.4.1-1~bpo13+1'
}

test_source_version_makes_a_path_that_kbuild_can_use() {
	expect '7.3.4-1-bpo13-1' "$(plain '7.3.4-1~bpo13+1')"
}
