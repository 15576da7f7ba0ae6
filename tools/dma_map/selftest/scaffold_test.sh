# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# `make driver`: what is refused, and what is written. Nothing is built.

# shellcheck source=../lib/root.sh
. "$TOOLS/lib/root.sh"
# shellcheck source=../lib/scaffold.sh
. "$TOOLS/lib/scaffold.sh"

driver_new() {
	env -u NAME -u DIR -u BUS -u IDS -u QEMU_ARGS "$@" "$TOOLS/driver" new
}

test_scaffold_without_a_name_or_a_directory() {
	expect_error 'NAME is missing: make driver NAME=my_driver DIR=' driver_new DIR="$PWD/x"
	expect_error 'DIR is missing: make driver NAME=my_driver DIR=' driver_new NAME=foo
	[ ! -e x ]
}

test_scaffold_of_names_that_are_not_allowed() {
	local name
	for name in foo-bar Foo 1foo _foo 'foo bar' foo.rs ../foo 'foo$x' 'foo;ls' fóo; do
		expect_error 'has small letters, digits and _ only' driver_new NAME="$name" DIR="$PWD/x"
	done
	for name in self kernel match dma_map; do
		expect_error "NAME=$name has a meaning of its own" driver_new NAME="$name" DIR="$PWD/x"
	done
	expect_error "the library's own" driver_new NAME=dma_map_edu DIR="$PWD/x"
	expect_error 'more than 40 characters' driver_new NAME="$(printf 'a%.0s' {1..41})" DIR="$PWD/x"
	[ ! -e x ]
}

test_scaffold_in_directories_that_are_not_allowed() {
	expect_error 'in the checkout of dma_map' driver_new NAME=foo DIR="$TOP/foo"
	expect_error 'in the checkout of dma_map' driver_new NAME=foo DIR="$TOP"
	expect_error 'in the checkout of dma_map' driver_new NAME=foo DIR="$PWD/../../../..$TOP/foo"
	expect_error 'space, a colon' driver_new NAME=foo DIR="$PWD/a b"
	expect_error 'space, a colon' driver_new NAME=foo DIR="$PWD/a:b"
	expect_error 'directory of the system' driver_new NAME=foo DIR=/tmp
	expect_error 'directory of the system' driver_new NAME=foo DIR=/usr/lib/foo
	expect '' "$(ls -A)"
}

test_scaffold_overwrites_nothing() {
	mkdir full empty
	echo mine >full/notes
	touch file
	expect_error 'nothing is overwritten' driver_new NAME=foo DIR="$PWD/full"
	expect_error 'nothing is overwritten' driver_new NAME=foo DIR="$PWD/file"
	expect notes "$(ls -A full)"
	driver_new NAME=foo DIR="$PWD/empty"
	[ -e empty/foo.rs ]
	expect_error 'nothing is overwritten' driver_new NAME=foo DIR="$PWD/empty"
}

test_scaffold_of_ids_that_are_none() {
	local ids
	for ids in 1234 1234:11e 1234:11e8:1 12g4:11e8 '1234 11e8' QEMU0002; do
		expect_error 'lspci -n' driver_new NAME=foo DIR="$PWD/x" IDS="$ids"
	done
	for ids in 1234:11e8 qemu0002 'acme,dma 1' acme 'a,b|c' 'PNP"'; do
		expect_error 'an ACPI ID' driver_new NAME=foo DIR="$PWD/x" BUS=platform IDS="$ids"
	done
	expect_error 'BUS=usb: use BUS=pci or BUS=platform' driver_new NAME=foo DIR="$PWD/x" BUS=usb
	[ ! -e x ]
}

test_scaffold_writes_all_files_with_the_name() {
	driver_new NAME=two_words DIR="$PWD/x"
	expect './.github/workflows/test.yml ./.gitignore ./.gitlab-ci.yml ./Kbuild ./Makefile ./README.md ./ci/run.sh ./two_words.rs' \
		"$(cd x && find . -type f | LC_ALL=C sort | paste -sd' ')"
	[ -x x/ci/run.sh ]
	expect '' "$(grep -rniE 'my_?driver|@[A-Z_]+@|scaffold' x)"
	grep -qx 'struct TwoWords;' x/two_words.rs
	grep -qx 'obj-m := two_words.o' x/Kbuild
	grep -qx "DMA_MAP ?= $TOP" x/Makefile
	grep -qx 'QEMU_ARGS ?= -device edu' x/Makefile
	# Each is of this licence, as the kernel wants it.
	expect '' "$(cd x && find . -type f -print0 | xargs -0 grep -L 'SPDX-License-Identifier: GPL-2.0')"
}

test_scaffold_for_other_pci_functions() {
	printf '    %s = bindings::PCI_VENDOR_ID_%s, // 0x1b36\n' REDHAT REDHAT >id.rs
	expect REDHAT "$(vendor_constant id.rs 1b36)"
	expect '' "$(vendor_constant id.rs 1b3)"
	driver_source foo pci 1b36:0006 REDHAT >known.rs
	grep -q 'DeviceId::from_id(pci::Vendor::REDHAT, 0x0006)' known.rs
	expect '' "$(grep 'IDS\|scaffold\|0005' known.rs)"
	driver_source foo pci abcd:ef01 '' >unknown.rs
	grep -qx 'const IDS: (u16, u16) = (0xabcd, 0xef01);' unknown.rs
	grep -qF 'if (pdev.vendor_id().as_raw(), pdev.device_id()) != IDS {' unknown.rs
	grep -qF '[(pci::DeviceId::from_class(0, 0), ())]' unknown.rs
	expect '' "$(grep 'REDHAT\|scaffold\|0005' unknown.rs)"
	expect '-device rocker' "$(qemu_device pci 1b36:0006)"
	expect '' "$(qemu_device pci abcd:ef01)"
}

test_scaffold_for_platform_devices() {
	driver_new NAME=foo DIR="$PWD/acpi" BUS=platform
	grep -qF 'acpi::DeviceId::new(c"QEMU0002")' acpi/foo.rs
	driver_new NAME=foo DIR="$PWD/of" BUS=platform IDS=acme,dma-1
	grep -qF 'of::DeviceId::new(c"acme,dma-1")' of/foo.rs
	expect '' "$(grep -i 'acpi\|QEMU0002' of/foo.rs)"
	grep -qx 'QEMU_ARGS ?= ' of/Makefile
	# The default names no device that the next line could not override.
	driver_new NAME=foo DIR="$PWD/mine" IDS=1234:11e8 QEMU_ARGS='-device edu,dma_mask=0xff'
	grep -qx 'QEMU_ARGS ?= -device edu,dma_mask=0xff' mine/Makefile
}

test_scaffold_is_formatted() {
	local source
	for source in "edu_driver pci 1234:11e8 ''" "an_odd_name pci abcd:ef01 ''" "foo pci 1b36:0006 REDHAT" \
		"foo platform QEMU0002 ''" "foo platform acme,dma-1 ''"; do
		eval "driver_source $source" >foo.rs
		rustfmt --check --config-path "$TOP/.rustfmt.toml" foo.rs
	done
}

test_scaffold_commands_that_can_not_run() {
	expect_error 'has no Kbuild: name a driver' "$TOOLS/driver" build "$PWD"
	printf 'obj-m := a.o\nobj-m += b.o\n' >Kbuild
	expect_error 'one line "obj-m := NAME.o"' "$TOOLS/driver" build "$PWD"
	echo 'obj-m := a.o' >Kbuild
	expect_error 'KERNEL=stock: .*has no KUnit' env KERNEL=stock "$TOOLS/driver" test "$PWD"
	expect_error 'KERNEL=least is no kernel that boots' env KERNEL=least "$TOOLS/driver" test "$PWD"
	expect_error 'KERNEL=least is no kernel that boots' env KERNEL=least "$TOOLS/driver" run "$PWD"
	expect_error 'ACCEL=kvn: ' env ACCEL=kvn "$TOOLS/driver" run "$PWD"
}

test_scaffold_makefile_without_the_checkout() {
	driver_new NAME=foo DIR="$PWD/x"
	expect 2 "$(make -C x DMA_MAP=/nonexistent >output 2>&1 || echo $?)"
	grep -q 'DMA_MAP=/nonexistent is no checkout of dma_map' output
	make -C x help | grep '^make run ' >/dev/null
}

test_scaffold_ci_without_an_address() {
	driver_new NAME=foo DIR="$PWD/x"
	# Where this checkout has an address, CI has it, too.
	[ -z "$(clone_address)" ] || return 0
	expect_error 'set the CI variable DMA_MAP_URL' env -u DMA_MAP_URL x/ci/run.sh
}

# With programs that only say what they were asked.
test_scaffold_ci_runs_on_a_machine_with_nothing() {
	local program
	driver_new NAME=foo DIR="$PWD/x"
	mkdir bin
	for program in apt-get git make; do
		printf '#!/bin/sh\necho "%s $*"\n' $program >bin/$program
		chmod +x bin/$program
	done
	expect "apt-get -q update
apt-get -q install -y --no-install-recommends ca-certificates git make
git clone -q --depth 1 --branch v1 somewhere dma_map
make DMA_MAP=$PWD/x/dma_map run
make DMA_MAP=$PWD/x/dma_map test" "$(PATH=$PWD/bin:$PATH DMA_MAP_URL=somewhere DMA_MAP_REF=v1 x/ci/run.sh)"
	# A step that fails is the end.
	printf '#!/bin/sh\nexit 3\n' >bin/git
	expect 3 "$(PATH=$PWD/bin:$PATH DMA_MAP_URL=somewhere x/ci/run.sh >output || echo $?)"
	expect '' "$(grep '^make' output)"
}
