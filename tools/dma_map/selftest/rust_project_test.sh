# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# What `make rust-analyzer` adds to the kernel's rust-project.json.

# kernels_project NAME...: such a file, with crates of these names.
kernels_project() {
	local name
	printf '{"sysroot": "/usr", "crates": ['
	for name; do
		printf '{"display_name": "%s", "root_module": "/usr/%s.rs", "deps": [], "cfg": ["CONFIG_RUST"], "edition": "2021", "env": {}},\n' \
			"$name" "$name"
	done | sed '$ s/,$//'
	printf ']}\n'
}

# of_project EXPRESSION: what a Python expression about the project p says.
of_project() {
	python3 -c "import json, sys; p = json.load(open('result.json')); print($1)"
}

rust_project() {
	python3 "$TOOLS/rust_project.py" kernel.json "$TOP" "$@" >result.json
}

ALL_CRATES='core kernel pin_init zerocopy zerocopy_derive'

test_rust_project_of_the_checkout() {
	# shellcheck disable=SC2086
	kernels_project $ALL_CRATES >kernel.json
	rust_project "$TOP" /root-13
	expect /root-13/usr "$(of_project "p['sysroot']")"
	expect /root-13/usr/core.rs "$(of_project "p['crates'][0]['root_module']")"
	expect 'dma_map dma_map_bench dma_map_edu dma_map_kunit dma_map_nic dma_map_nvme edu pci platform' \
		"$(of_project "' '.join(c['display_name'] for c in p['crates'][5:])")"
	expect 'core kernel pin_init zerocopy zerocopy_derive' \
		"$(of_project "' '.join(d['name'] for d in p['crates'][5]['deps'])")"
	expect 'dma_map 5' "$(of_project "'{name} {crate}'.format(**p['crates'][6]['deps'][-1])")"
	# Each crate is there, and is the one that it is called by others.
	expect True "$(of_project "all(p['crates'][d['crate']]['display_name'] == d['name']
		for c in p['crates'] for d in c['deps'])")"
	of_project "'\n'.join(c['root_module'] for c in p['crates'][5:])" | xargs ls >/dev/null
}

test_rust_project_of_a_driver_elsewhere() {
	# shellcheck disable=SC2086
	kernels_project $ALL_CRATES >kernel.json
	mkdir -p driver/sub
	printf 'obj-m := my-driver.o part.o\nmy-driver-y := x.o\n' >driver/Kbuild
	touch driver/my-driver.rs driver/x.c driver/sub/part.rs
	rust_project "$PWD/driver" ''
	expect 'dma_map my_driver' "$(of_project "' '.join(c['display_name'] for c in p['crates'][5:])")"
	expect "$PWD/driver/my-driver.rs" "$(of_project "p['crates'][6]['root_module']")"
	expect /usr "$(of_project "p['sysroot']")"
}

test_rust_project_without_a_module() {
	# shellcheck disable=SC2086
	kernels_project $ALL_CRATES >kernel.json
	mkdir driver
	expect_error 'no Rust module in .*/driver: a Kbuild' rust_project "$PWD/driver" ''
}

test_rust_project_of_another_kernel() {
	kernels_project core kernel >kernel.json
	expect_error 'lacks pin_init, zerocopy, zerocopy_derive: this kernel is not one of 7.3' \
		rust_project "$TOP" ''
}

test_rust_analyzer_needs_a_directory() {
	expect_error 'nowhere is not a directory: give the one of your driver' \
		"$TOOLS/rust_analyzer" "$PWD/nowhere"
}
