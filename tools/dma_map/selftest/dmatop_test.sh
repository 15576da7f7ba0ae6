# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# That dmatop shows what is in the files, with each awk that is here.

# counted_device DIRECTORY: a folder as the library makes it in debugfs.
counted_device() {
	mkdir -p "$1/0000:00:02.0"
	cat >"$1/0000:00:02.0/handles" <<-'END'
		kind                   live        bytes       most   most_bytes       made
		DmaCoherent               2         4608          4         9216         12
		SgMapping                 0            0          1     52428800    1234567
		all                       2         4608          5     52438016    1234579
		quarantined               1         4096
	END
	cat >"$1/0000:00:02.0/pools" <<-'END'
		pool                size    max allocated in_use cached reserve quarantined        hits  misses refills flushes exhausted
		rx ring             2048    256       256     64     12     180           0        9000    1000      50      40         3
	END
	echo 'name: rx ring' >"$1/0000:00:02.0-0"
}

test_dmatop_shows_what_is_counted() {
	counted_device debugfs
	output=$("$TOOLS/dmatop" -1 debugfs | tr -s ' ' | sed 's/^ //')
	expect '0000:00:02.0' "$(grep -x '0000.*' <<<"$output")"
	expect 'DmaCoherent 2 4608 4 9216 12 0 #####.....' "$(grep DmaCoherent <<<"$output")"
	expect 'SgMapping 0 0 1 50M 1234567 0 ..........' "$(grep SgMapping <<<"$output")"
	expect 'QUARANTINED: 1, 4096 bytes' "$(grep QUARANTINED <<<"$output")"
	expect 'rx ring 2048 64 192 256 10000 0 ###.......' "$(grep '^rx ring' <<<"$output")"
}

test_dmatop_shows_the_same_with_busybox() {
	counted_device debugfs
	"$TOOLS/dmatop" -1 debugfs >here
	mkdir bin
	for name in awk ls sleep; do ln -s "$(command -v busybox)" bin/$name; done
	PATH=$PWD/bin:/bin "$TOOLS/dmatop" -1 debugfs >busybox
	expect "$(cat here)" "$(cat busybox)"
}

test_dmatop_says_what_is_missing() {
	expect 1 "$("$TOOLS/dmatop" -1 nowhere 2>&1 >/dev/null | grep -c '^dmatop: nowhere is missing: ')"
	mkdir debugfs
	expect 1 "$("$TOOLS/dmatop" -1 debugfs 2>&1 >/dev/null | grep -c '^dmatop: ')"
}
