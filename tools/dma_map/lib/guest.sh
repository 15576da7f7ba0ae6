# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a person asks of a guest: ACCEL, VARIANT, MODULES, FILES, QEMU_ARGS, APPEND.
# What can't be had is refused here, before anything is built.

guest_variants() {
	sed -n 's/^ *Variant("\([a-z0-9-]*\)".*/\1/p' "$TOP/tools/testing/dma_map/variants.py"
}

# An accelerator that opens and runs nothing is found later, by a guest that tries it.
check_accel() {
	case ${ACCEL:-tcg} in
	tcg) ;;
	kvm)
		{ [ -r /dev/kvm ] && [ -w /dev/kvm ]; } ||
			die "ACCEL=kvm: /dev/kvm is missing or not yours to open: leave ACCEL out, and QEMU emulates the CPU."
		;;
	*) die "ACCEL=$ACCEL: use ACCEL=kvm, or leave it out for ACCEL=tcg, which works everywhere." ;;
	esac
}

check_variant() {
	[ -z "${VARIANT:-}" ] || guest_variants | grep -xF -- "$VARIANT" >/dev/null ||
		die "VARIANT=$VARIANT: use one of $(guest_variants | paste -sd' '), or leave it out for direct."
}

# check_files VARIABLE: each file that it names can be read. The guest has them in
# one directory, and the kernel's command line names one.
check_files() {
	local file name seen=' '
	for file in ${!1:-}; do
		[ -e "$file" ] || die "$1=$file: there is no such file: build it first, or mend the path."
		{ [ -f "$file" ] && [ -r "$file" ]; } || die "$1=$file is not a file that can be read: name the file itself."
		name=${file##*/}
		[[ $name =~ ^[A-Za-z0-9._+-]+$ ]] ||
			die "$1=$file: a name for the guest has letters, digits and . _ + - only: rename it."
		[[ $seen != *" $name "* ]] || die "$1 has two files of the name $name: rename one."
		seen+="$name "
	done
}

check_modules() {
	local file
	for file in ${MODULES:-}; do
		case $file in
		*.ko) ;;
		*) die "MODULES=$file is no kernel module: name the .ko file that the build has made." ;;
		esac
	done
	check_files MODULES
}

# check_boot: the kernel that is asked for is one that boots.
check_boot() {
	local flavour
	flavour=$(flavour)
	case $flavour in
	any-*)
		[ -n "$(any_note "$KERNEL" boots)" ] ||
			die "KERNEL=$KERNEL is no kernel that boots: of it only what modules need is built, so use make modules, or take KERNEL=stock or KERNEL=test."
		;;
	esac
	[ -z "${KDIR:-}" ] || [ ! -e "$KDIR/.config" ] || [ -e "$KDIR/arch/x86/boot/bzImage" ] ||
		die "KDIR=$KDIR has no image to boot (arch/x86/boot/bzImage is missing): run make in it first."
}

check_guest() {
	check_accel
	check_variant
	check_modules
	check_files FILES
}

# guest_files [WHERE]: copies what MODULES and FILES name to a new directory in the
# checkout, and prints it. The private root shows the checkout, and maybe not theirs.
guest_files() {
	local directory where=${1:-$TOP/build}
	mkdir -p "$where"
	directory=$(mktemp -d "$where/guest.XXXXXX")
	mkdir "$directory/modules" "$directory/files"
	# shellcheck disable=SC2086
	[ -z "${MODULES:-}" ] || cp -- $MODULES "$directory/modules/"
	# shellcheck disable=SC2086
	[ -z "${FILES:-}" ] || cp -- $FILES "$directory/files/"
	echo "$directory"
}

# guest_arguments DIRECTORY: for run.py, one a line, in the order in which they were given.
guest_arguments() {
	local file
	for file in ${MODULES:-}; do printf '%s\n' --module "$1/modules/${file##*/}"; done
	for file in ${FILES:-}; do printf '%s\n' --file "$1/files/${file##*/}"; done
	[ -z "${VARIANT:-}" ] || printf '%s\n' --variant "$VARIANT"
	[ -z "${QEMU_ARGS:-}" ] || printf '%s\n' "--qemu-args=$QEMU_ARGS"
	[ -z "${APPEND:-}" ] || printf '%s\n' "--append=$APPEND"
	[ -z "${JUNIT:-}" ] || printf '%s\n' --junit "$1/junit.xml"
}

# guest_shows: the directories of the files that QEMU_ARGS names.
guest_shows() {
	local word
	grep -oE '/[^ ,]+' <<<"${QEMU_ARGS:-}" | while read -r word; do
		[ ! -e "$word" ] || realpath -- "$(dirname -- "$word")"
	done || true
}
