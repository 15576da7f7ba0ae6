# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# That exports finds what a module exports from sections that do not stay.

# exporting NAME LINE...: a module of these lines of C, as kbuild links it, that exports `it`.
exporting() {
	local name=$1
	shift
	{
		printf '%s\n' "$@"
		cat <<-'END_OF_C'
			asm(".section __ksymtab_strings,\"aMS\",@progbits,1\n"
			    "__kstrtab_it: .asciz \"it\"\n"
			    "__kstrtabns_it: .asciz \"\"\n"
			    ".section __ksymtab,\"a\"\n"
			    "__ksymtab_it: .long it - ., __kstrtab_it - ., __kstrtabns_it - .\n");
		END_OF_C
	} >"$name.c"
	gcc -c -o "$name.ko" "$name.c"
}

# expect_exports WHAT MODULE...: these complaints, and no others.
expect_exports() {
	local wanted=$1 output
	shift
	if output=$("$TOOLS/exports" "$@" 2>&1); then
		echo "nothing found: $output"
		exit 1
	fi
	expect "$wanted" "$(sed '$d' <<<"$output")"
}

test_exports_of_what_stays() {
	exporting text 'int it(void) { return 1; }'
	exporting data 'int it = 1;'
	exporting rodata 'const int it = 1;'
	exporting bss 'int it;'
	exporting read_mostly '__attribute__((section(".data..read_mostly"))) int it = 1;'
	expect '5 modules, 5 exported symbols' "$("$TOOLS/exports" text.ko data.ko rodata.ko bss.ko read_mostly.ko)"
}

test_exports_of_none() {
	echo 'int it = 1;' >none.c
	gcc -c -o none.ko none.c
	expect '1 modules, 0 exported symbols' "$("$TOOLS/exports" none.ko)"
}

test_exports_of_what_the_loader_drops() {
	exporting modinfo '__attribute__((section(".modinfo"))) const char it[] = "license=GPL";'
	expect_exports 'modinfo.ko: it: in .modinfo' modinfo.ko
	exporting versions '__attribute__((section("__versions"))) const char it[] = "";'
	expect_exports 'versions.ko: it: in __versions' versions.ko
	exporting comment 'asm(".section .note_to_self,\"\",@progbits\n.globl it\nit: .long 1\n");'
	expect_exports 'comment.ko: it: in .note_to_self' comment.ko
}

test_exports_of_what_is_gone_after_init() {
	exporting text '__attribute__((section(".init.text"))) int it(void) { return 1; }'
	expect_exports 'text.ko: it: in .init.text' text.ko
	exporting data '__attribute__((section(".exit.data"))) int it = 1;'
	expect_exports 'data.ko: it: in .exit.data' data.ko
}

test_exports_of_what_is_not_defined() {
	exporting extern 'extern int it;'
	expect_exports 'extern.ko: it: not defined' extern.ko
}

test_exports_of_one_among_good_ones() {
	exporting good 'int it = 1;'
	exporting bad '__attribute__((section(".modinfo"))) const char it[] = "";'
	expect_exports 'bad.ko: it: in .modinfo' good.ko bad.ko good.ko
}

test_exports_of_something_else() {
	echo 'no module' >text.ko
	if output=$("$TOOLS/exports" text.ko 2>&1); then
		echo "no complaint: $output"
		exit 1
	fi
	expect 'text.ko is no ELF file of a 64-bit little-endian machine' "$output"
}
