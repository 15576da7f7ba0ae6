# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# That panics finds the panic paths and traps of small modules, and no others.

# compile OBJECT SOURCE ARGS...: as kbuild does, but for the standard library.
compile() {
	local object=$1 source=$2
	shift 2
	mkdir -p "$(dirname "$object")"
	rustc --edition=2021 --crate-type=rlib --emit="obj=$object" -Cpanic=abort -Copt-level=2 \
		-Coverflow-checks=on -Ccodegen-units=1 -Csymbol-mangling-version=v0 \
		-Cdebuginfo=line-tables-only "$@" "$PWD/$source"
}

# library: a library with a function that panics and one that does not.
library() {
	mkdir -p rust/dma_map drivers/dma_map
	cat >rust/dma_map/dma_map.rs <<-'END'
		#[inline]
		pub fn third<T: Copy>(of: &[T]) -> T {
		    of[2]
		}
		pub fn third_or<T: Copy>(of: &[T], other: T) -> T {
		    of.get(2).copied().unwrap_or(other)
		}
		pub fn with(f: impl FnOnce() -> u8) -> u8 {
		    f()
		}
	END
	compile build/dma_map.o rust/dma_map/dma_map.rs --emit=metadata=build/libdma_map.rmeta
}

# client LINE...: a module that uses it.
client() {
	printf '%s\n' '#![no_std]' "$@" >drivers/dma_map/client.rs
	compile build/client.ko drivers/dma_map/client.rs -L build --extern dma_map
}

panics() {
	"$TOOLS/panics" kernel "$@" 2>&1
}

# expect_panic WHAT MODULE: one is found, in these words.
expect_panic() {
	local output
	if output=$(panics "$2"); then
		echo "nothing found: $output"
		exit 1
	fi
	expect "$1" "$(sed '$d' <<<"$output" | sed 's/\[[0-9a-f]*\]//g')"
}

# one BODY: a dma_map.ko with one function.
one() {
	printf '%s\n' '#![no_std]' '#[no_mangle]' "pub fn one(of: &[u8], i: usize) -> u8 { let _ = (of, i); $1 }" >one.rs
	compile dma_map.ko one.rs --crate-name dma_map
}

test_panics_of_a_library_without_any() {
	one 'of.get(i).copied().unwrap_or(0).wrapping_add(1)'
	expect '1 modules, 1 functions, 0 functions of the kernel that can panic' "$(panics dma_map.ko)"
}

test_panics_for_an_index_and_for_an_overflow() {
	one 'of[i]'
	expect_panic 'dma_map.ko: one: core::panicking::panic_bounds_check' dma_map.ko
	one 'of.iter().copied().fold(0, |a, b| a + b)'
	expect_panic 'dma_map.ko: one: core::panicking::panic_const::panic_const_add_overflow' dma_map.ko
}

test_panics_behind_a_function_of_the_kernel() {
	printf '%s\n' '#![no_std]' '#[inline(never)]' 'fn at(of: &[u8], i: usize) -> u8 { of[i] }' \
		'#[no_mangle] pub extern "C" fn kernel_at(i: usize) -> u8 { at(&[1, 2, 3], i) }' \
		'#[no_mangle] pub extern "C" fn kernel_get(i: usize) -> u8 { *[1, 2].get(i).unwrap_or(&0) }' \
		>kernel.rs
	compile kernel/rust/kernel.o kernel.rs
	one 'extern "C" { fn kernel_get(i: usize) -> u8; } unsafe { kernel_get(i) }'
	panics dma_map.ko
	one 'extern "C" { fn kernel_at(i: usize) -> u8; } unsafe { kernel_at(i) }'
	expect_panic 'dma_map.ko: one: kernel_at' dma_map.ko
}

test_panics_for_traps_that_are_no_warnings() {
	local bug='".pushsection __bug_table,\"aw\"", ".long 9b - .", ".long 0", ".long 0", ".word 7"'
	[ "$(uname -m)" = x86_64 ] || return 0
	one 'unsafe { core::arch::asm!("ud2") }; of.len() as u8'
	expect_panic 'dma_map.ko: one: a trap' dma_map.ko
	one "unsafe { core::arch::asm!(\"9: ud2\", $bug, \".word 0\", \".popsection\") }; 0"
	expect_panic 'dma_map.ko: one: a trap' dma_map.ko
	one "unsafe { core::arch::asm!(\"9: ud2\", $bug, \".word 1\", \".popsection\") }; 0"
	panics dma_map.ko
}

test_panics_of_the_library_in_a_client() {
	library
	client '#[no_mangle] pub fn own(of: &[u8]) -> u8 { dma_map::third(of) }'
	expect_panic "client.ko: own: core::panicking::panic_bounds_check (from rust/dma_map/dma_map.rs:3)" \
		build/client.ko
	client '#[no_mangle] pub fn own(of: &[u8]) -> u8 { dma_map::third_or(of, 7) }'
	panics build/client.ko
}

test_panics_of_a_client_itself_are_its_own_affair() {
	library
	client '#[no_mangle] pub fn own(of: &[u8], i: usize) -> u8 { dma_map::with(|| of[i]) }'
	nm build/client.ko | grep panic_bounds_check >/dev/null
	panics build/client.ko
}

test_panics_without_line_tables_of_a_client() {
	library
	client '#[no_mangle] pub fn own(of: &[u8]) -> u8 { dma_map::third(of) }'
	objcopy --strip-debug build/client.ko
	if output=$(panics build/client.ko); then
		echo "no complaint: $output"
		exit 1
	fi
	expect 'client.ko has no line tables' "$output"
}
