# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# What a person asks of a guest, and what is refused before anything is built.

# shellcheck source=../lib/guest.sh
. "$TOOLS/lib/guest.sh"
# shellcheck source=../lib/root.sh
. "$TOOLS/lib/root.sh"

# settings VARIABLE=VALUE...: as make runs it.
settings() {
	env "$@" "$TOOLS/settings"
}

test_guest_with_what_can_be_had() {
	touch my.ko run.sh
	settings
	settings ACCEL=tcg VARIANT=iommu-strict MODULES="$PWD/my.ko" FILES="$PWD/run.sh" \
		QEMU_ARGS='-device rocker' APPEND='a b'
}

test_guest_on_an_unknown_accelerator() {
	expect_error 'ACCEL=kvn: use ACCEL=kvm, or leave it out' settings ACCEL=kvn
}

test_guest_of_an_unknown_variant() {
	expect_error 'VARIANT=iommu: use one of direct .*iommu-strict .*, or leave it out' settings VARIANT=iommu
	# Not a pattern, and not a part of a name.
	expect_error 'VARIANT=\.\*: ' settings 'VARIANT=.*'
}

test_guest_of_an_unknown_kernel_or_compiler() {
	expect_error 'KERNEL=mine: use KERNEL=stock' settings KERNEL=mine
	expect_error 'LLVM=yes: use LLVM=1' settings LLVM=yes
}

test_guest_with_modules_that_are_none() {
	touch notes.txt
	mkdir folder.ko
	expect_error "MODULES=$PWD/my.ko: there is no such file: build it first" settings MODULES="$PWD/my.ko"
	expect_error "MODULES=$PWD/notes.txt is no kernel module" settings MODULES="$PWD/notes.txt"
	expect_error "MODULES=$PWD/folder.ko is not a file" settings MODULES="$PWD/folder.ko"
}

test_guest_with_files_that_it_can_not_have() {
	touch run.sh 'a,b.sh'
	mkdir other
	touch other/run.sh
	expect_error 'FILES=nothing: there is no such file' settings FILES=nothing
	expect_error 'FILES=a,b\.sh: a name for the guest' settings FILES=a,b.sh
	expect_error 'FILES has two files of the name run\.sh' settings FILES='run.sh other/run.sh'
}

test_guest_has_copies_in_the_order_given() {
	TOP=$PWD/checkout
	mkdir checkout
	echo b >b.ko
	echo a >a.ko
	echo run >run.sh
	MODULES='b.ko a.ko' FILES=run.sh VARIANT=direct QEMU_ARGS='-device a,b=c -m 1G' APPEND='x y' JUNIT=out.xml
	local directory
	directory=$(guest_files)
	expect b "$(cat "$directory/modules/b.ko")"
	expect run "$(cat "$directory/files/run.sh")"
	expect "--module
$directory/modules/b.ko
--module
$directory/modules/a.ko
--file
$directory/files/run.sh
--variant
direct
--qemu-args=-device a,b=c -m 1G
--append=x y
--junit
$directory/junit.xml" "$(guest_arguments "$directory")"
}

test_guest_shows_what_qemu_is_to_open() {
	touch image
	QEMU_ARGS="-drive file=$PWD/image,format=raw -device rocker -chardev pipe,path=/nonexistent/x"
	expect "$PWD" "$(guest_shows)"
	QEMU_ARGS=
	expect '' "$(guest_shows)"
	CACHE=/c
	mkdir shown
	DMA_MAP_SHOW=$PWD/shown
	pwd() { echo /tmp; }
	expect "$TOP /c $DMA_MAP_SHOW" "$(binds | paste -sd' ')"
}

# Before anything is built for it.
test_guest_kernel_that_does_not_boot() {
	expect_error 'KERNEL=least is no kernel that boots' settings DMA_MAP_BOOTS=1 KERNEL=least
	settings KERNEL=least
	mkdir kernel
	touch kernel/.config
	expect_error "KDIR=$PWD/kernel has no image to boot" settings DMA_MAP_BOOTS=1 KDIR="$PWD/kernel"
	settings KDIR="$PWD/kernel"
	# Whether it is a kernel at all is asked later.
	settings DMA_MAP_BOOTS=1 KDIR="$PWD/nothing"
}
