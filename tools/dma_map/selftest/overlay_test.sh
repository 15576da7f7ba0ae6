# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# make overlay and make unoverlay: a small kernel tree comes back as it was, and what
# would lose something is refused with its reason.

# a_tree [DIRECTORY]: the files that the layer is made known in, and where it goes.
a_tree() {
	local tree=${1:-tree}
	mkdir -p "$tree"/{drivers/dma-buf,rust/kernel,Documentation/dma,tools/dma,tools/testing/kunit}
	printf '%s\n' '# SPDX' 'VERSION = 7' 'PATCHLEVEL = 3' 'SUBLEVEL = 4' 'EXTRAVERSION =' 'NAME = x' \
		>"$tree/Makefile"
	echo 'source "drivers/Kconfig"' >"$tree/Kconfig"
	echo 'obj-$(CONFIG_RUST) += core.o' >"$tree/rust/Makefile"
	printf '%s\n' 'menu "Device Drivers"' '' 'source "drivers/dma/Kconfig"' '' \
		'source "drivers/dma-buf/Kconfig"' '' 'source "drivers/dca/Kconfig"' '' endmenu >"$tree/drivers/Kconfig"
	printf '%s\n' 'obj-y				+= a\b/' 'obj-$(CONFIG_DMA_SHARED_BUFFER) += dma-buf/' \
		'obj-y				+= scsi/' >"$tree/drivers/Makefile"
	printf '%s\n' '.. toctree::' '' '   accounting/index' '   cpu-freq/index' '   edac/index' \
		>"$tree/Documentation/subsystem-apis.rst"
	printf '%s\n' 'DMA MAPPING HELPERS' 'M:	Sömeone' 'F:	kernel/dma/' '' \
		'DMA-BUF HEAPS FRAMEWORK' 'F:	drivers/dma-buf/' >"$tree/MAINTAINERS"
	chmod 640 "$tree/drivers/Makefile"
}

# state TREE: names, modes and contents of all that is in it.
state() {
	(cd "$1" && find . -printf '%p %y %m\n' | LC_ALL=C sort &&
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}

overlay() {
	"$TOOLS/overlay" "$@"
}

test_overlay_and_back() {
	local before
	a_tree
	cp -a tree untouched
	before=$(state tree)
	overlay add tree
	expect 4 "$(grep -rl dma_map tree/{drivers/Kconfig,drivers/Makefile,Documentation/subsystem-apis.rst,MAINTAINERS} | wc -l)"
	cmp "$TOP/rust/dma_map/dma_map.rs" tree/rust/dma_map/dma_map.rs
	[ -x "$TOOLS/overlay" ] && [ ! -e tree/tools/dma_map/overlay ]
	[ -e tree/drivers/dma_map/kunit/.kunitconfig ]
	overlay remove tree
	expect "$before" "$(state tree)"
	diff -r untouched tree
}

test_overlay_adds_lines_in_their_place() {
	a_tree
	overlay add tree
	expect 'source "drivers/dma-buf/Kconfig"||source "drivers/dma_map/Kconfig"||source "drivers/dca/Kconfig"' \
		"$(sed -n 5,9p tree/drivers/Kconfig | paste -sd'|')"
	expect 'obj-$(CONFIG_DMA_MAP)		+= dma_map/' "$(sed -n 3p tree/drivers/Makefile)"
	expect 640 "$(stat -c %a tree/drivers/Makefile)"
	expect '   dma_map/index' "$(sed -n 5p tree/Documentation/subsystem-apis.rst)"
	expect 'DMA MAPPING LAYER [RUST]' "$(sed -n 5p tree/MAINTAINERS)"
	expect DMA-BUF "$(grep -B1 -o '^DMA-BUF' tree/MAINTAINERS | tail -n 1)"
	# Only files that are there.
	expect '' "$(sed -n 's/^F:	\(.*dma_map.*\)/\1/p' tree/MAINTAINERS | while read -r path; do [ -e "tree/$path" ] || echo "$path"; done)"
	expect '' "$(grep -E 'findings|driver.mk' tree/MAINTAINERS || true)"
}

test_overlay_writes_to_no_hard_link() {
	local before
	a_tree original
	before=$(state original)
	cp -al original tree
	overlay add tree
	expect "$before" "$(state original)"
	overlay remove tree
	expect "$before" "$(state original)"
}

test_overlay_takes_no_products() {
	a_tree
	overlay add tree
	expect '' "$(find tree -name '*.o' -o -name '*.cmd' -o -name '*_generated.h')"
	# What a build in the tree left goes with the rest.
	touch tree/rust/dma_map/.dma_map.o.cmd tree/drivers/dma_map/built-in.a tree/drivers/dma_map/dma_map.ko
	overlay remove tree
	[ ! -e tree/drivers/dma_map ] && [ ! -e tree/rust/dma_map ] && [ ! -e tree/tools/dma_map ]
}

test_overlay_of_no_kernel_tree() {
	expect_error 'which kernel tree\? .*TREE=' overlay add
	expect_error 'not a directory' overlay add "$PWD/nothing"
	a_tree
	rm tree/rust/Makefile
	expect_error 'not a kernel source tree: it has no rust/Makefile' overlay add tree
}

test_overlay_of_another_version() {
	a_tree
	sed -i 's/^VERSION = 7/VERSION = 6/; s/^PATCHLEVEL = 3/PATCHLEVEL = 18/' tree/Makefile
	expect_error 'is Linux 6\.18\.4, and the layer is for Linux 7\.3' overlay add tree
}

test_overlay_twice() {
	a_tree
	overlay add tree
	expect_error 'has the layer already: run make unoverlay' overlay add tree
	overlay remove tree
	expect_error 'does not have the layer' overlay remove tree
}

test_overlay_with_something_in_the_way() {
	local before
	a_tree
	mkdir tree/drivers/dma_map
	echo mine >tree/drivers/dma_map/Kbuild
	before=$(state tree)
	expect_error 'drivers/dma_map is in the way' overlay add tree
	expect "$before" "$(state tree)"
}

test_overlay_without_its_marks() {
	local before
	a_tree
	sed -i /dma-buf/d tree/drivers/Makefile
	before=$(state tree)
	expect_error "drivers/Makefile has the line 'obj-.* 0 times" overlay add tree
	expect "$before" "$(state tree)"
	a_tree
	sed -i '/cpu-freq/p' tree/Documentation/subsystem-apis.rst
	expect_error 'subsystem-apis.rst has the line .* 2 times' overlay add tree
	a_tree
	printf 'no newline' >>tree/MAINTAINERS
	before=$(state tree)
	expect_error 'MAINTAINERS would not come back as it is' overlay add tree
	expect "$before" "$(state tree)"
}

test_overlay_with_changes_of_the_user() {
	local before with
	a_tree
	before=$(state tree)
	overlay add tree
	echo '// mine' >>tree/rust/dma_map/dma_map.rs
	echo mine >tree/drivers/dma_map/mine.c
	with=$(state tree)
	expect_error 'has changes in what make overlay put there.*FORCE=1' overlay remove tree
	expect 'changed: rust/dma_map/dma_map.rs,new: drivers/dma_map/mine.c' \
		"$(overlay remove tree 2>&1 | sed -n 's/^  //p' | paste -sd,)"
	expect "$with" "$(state tree)"
	FORCE=1 overlay remove tree
	expect "$before" "$(state tree)"
}

test_overlay_whose_lines_the_user_changed() {
	a_tree
	overlay add tree
	sed -i 's,dma_map/,dma_map/mine/,' tree/drivers/Makefile
	expect_error 'has changes in what make overlay put there' overlay remove tree
	expect '  not as make overlay left it, and to be mended by hand: drivers/Makefile' \
		"$(overlay remove tree 2>&1 | grep '^  ')"
	FORCE=1 overlay remove tree
	expect drivers/Makefile "$(cd tree && grep -rl dma_map)"
}

test_overlay_keeps_what_the_user_changed_elsewhere() {
	a_tree
	overlay add tree
	echo 'source "drivers/mine/Kconfig"' >>tree/drivers/Kconfig
	sed -i '1i # mine' tree/MAINTAINERS
	rm tree/rust/dma_map/buf.rs
	cp -a tree other
	overlay remove tree
	expect 'source "drivers/mine/Kconfig"' "$(tail -n 1 tree/drivers/Kconfig)"
	expect '# mine' "$(head -n 1 tree/MAINTAINERS)"
	expect '' "$(grep -r dma_map tree || true)"
}

test_overlay_that_was_interrupted() {
	local before
	a_tree
	before=$(state tree)
	overlay add tree
	# As before the last edits, and in the middle of the copying.
	rm -r tree/rust/dma_map tree/tools/dma_map
	sed -i '/^DMA MAPPING LAYER/,/^$/d' tree/MAINTAINERS
	overlay remove tree
	expect "$before" "$(state tree)"
}
