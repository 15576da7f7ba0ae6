# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# That code_size finds both loops of an operation, and what each calls.

# both RUST C: a benchmark with these functions, and a kernel with one for Rust.
both() {
	mkdir -p modules/drivers/dma_map kernel/rust
	printf '%s\n' '#![no_std]' 'pub mod rust_add {' "$1" '}' >bench.rs
	printf '%s\n' "$2" >bench.c
	printf '%s\n' 'int rust_helper_one(int a) { return a + 1; }' \
		'int kernel_one(int a) { return a + 1; }' >kernel.c
	rustc --edition=2021 --crate-type=rlib --crate-name=dma_map_bench --emit=obj=rust.o \
		-Cpanic=abort -Copt-level=2 -Csymbol-mangling-version=v0 bench.rs
	gcc -O2 -c -o c.o bench.c
	gcc -O2 -c -o kernel/rust/helpers.o kernel.c
	ld -r -o modules/drivers/dma_map/dma_map_bench.ko rust.o c.o
	gcc -O2 -c -o modules/drivers/dma_map/dma_map.ko -xc /dev/null
}

test_code_size_of_both_and_of_what_they_call() {
	both 'extern "C" { fn rust_helper_one(a: i32) -> i32; fn kernel_one(a: i32) -> i32; }
		#[inline(never)]
		pub fn rust_add(a: i32) -> i32 { unsafe { rust_helper_one(a) + kernel_one(a) } }' \
		'int kernel_one(int a);
		__attribute__((noinline)) static int own(int a) { return a * kernel_one(a); }
		int dma_map_bench_c_add(int a) { return own(a) + kernel_one(a); }
		int dma_map_bench_c_other(int a) { return a; }'
	local nm own helper c rust output
	nm=$(nm -S --defined-only modules/drivers/dma_map/dma_map_bench.ko kernel/rust/helpers.o)
	size() { printf '%d' "0x$(grep -E "$1" <<<"$nm" | cut -d' ' -f2)"; }
	own=$(size ' own$') helper=$(size rust_helper_one$)
	c=$(size dma_map_bench_c_add) rust=$(size '8rust_add8rust_add$')
	output=$("$TOOLS/code_size" modules kernel)
	expect "add $c $rust $own $helper" "$(awk '$1 == "add" { print $1, $2, $3, $5, $6 }' <<<"$output")"
	expect "$helper rust_helper_one" "$(grep rust_helper_one <<<"$output" | xargs)"
	expect '' "$(grep kernel_one <<<"$output" || true)"
	grep -q '^of the same code.*: other$' <<<"$output"
}

test_code_size_without_an_operation() {
	both 'pub fn add(a: i32) -> i32 { a }' 'int dma_map_bench_c_add(int a) { return a; }'
	if output=$("$TOOLS/code_size" modules kernel 2>&1); then
		echo "no complaint: $output"
		exit 1
	fi
	expect 'no operation has a function in C and one in Rust' "$output"
}
