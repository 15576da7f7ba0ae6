# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What Debian's packages lack for a Rust module, beside what they have: a directory
# to build modules in (KDIR) that links to the package of headers, and has the
# metadata of the kernel's crates. And beside that, the library as drivers need it:
#
#	BASE/RELEASE/kernel             KDIR
#	BASE/RELEASE/library            what driver.mk takes: metadata, Module.symvers, dma_map.ko
#	BASE/RELEASE/library.kernel     a link to kernel, as `make modules` notes what it has built for

# The package's, and what the rebuild for another kernel has made.
METADATA_BASES=(/usr/lib/dma_map /var/lib/dma_map)

# write_kdir BUILD SOURCE RELEASE COMMON KDIR: BUILD is where the crates were built from
# SOURCE. The links hold once the packages are installed: COMMON is what the headers of
# that release include.
write_kdir() {
	local build=$1 source=$2 release=$3 common=$4 kdir=$5 name
	local headers=/usr/src/linux-headers-$release
	local helpers=tools/testing/selftests/kselftest
	mkdir -p "$kdir"/{arch/x86/boot,rust/kernel,scripts} "$kdir/source/$helpers" "$kdir/source/rust/kernel/pci"
	for name in .config .kernelvariables Module.symvers include tools arch/x86/include arch/x86/module.lds \
		scripts/basic scripts/mod scripts/sign-file; do
		ln -s "$headers/$name" "$kdir/$name"
	done
	# kbuild is to work here, and not in the package's directory.
	cat >"$kdir/Makefile" <<-END
		KBUILD_OUTPUT := \$(realpath \$(dir \$(lastword \$(MAKEFILE_LIST))))
		include $common/Makefile
	END
	cp "$build"/rust/lib*.rmeta "$build"/rust/lib*.so "$kdir/rust/"
	# The compiler loads these, and needs no more of their symbols than it imports.
	strip --strip-unneeded "$kdir"/rust/lib*.so
	# What the macros for static branches and warnings include.
	cp "$build"/rust/kernel/generated_arch_*.rs "$kdir/rust/kernel/"
	cp "$build/scripts/target.json" "$kdir/scripts/"
	# The names of PCI vendors, for a new driver.
	cp "$source/rust/kernel/pci/id.rs" "$kdir/source/rust/kernel/pci/"
	# For a guest that is booted with the driver.
	ln -s "/usr/lib/modules/$release/vmlinuz" "$kdir/arch/x86/boot/bzImage"
	cp "$source/$helpers/ktap_helpers.sh" "$kdir/source/$helpers/"
}

# write_library BUILD LIBRARY: of what `make modules` has built, what drivers need.
write_library() {
	local build=$1 library=$2
	mkdir -p "$library"/{rust/dma_map,drivers/dma_map}
	cp "$build/Module.symvers" "$library/"
	cp "$build/rust/dma_map/libdma_map.rmeta" "$library/rust/dma_map/"
	strip --strip-debug -o "$library/drivers/dma_map/dma_map.ko" "$build/drivers/dma_map/dma_map.ko"
	ln -s kernel "$library.kernel"
}

# metadata_releases: the kernels that drivers can be built for, the newest one last.
metadata_releases() {
	local base kdir
	for base in "${METADATA_BASES[@]}"; do
		for kdir in "$base"/*/kernel; do
			[ ! -e "$kdir/Makefile" ] || basename "$(dirname "$kdir")"
		done
	done | sort -Vu
}

# metadata_kdir RELEASE: its directory.
metadata_kdir() {
	local base
	for base in "${METADATA_BASES[@]}"; do
		if [ -e "$base/$1/kernel/Makefile" ]; then
			echo "$base/$1/kernel"
			return
		fi
	done
	return 1
}
