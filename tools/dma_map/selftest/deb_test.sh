# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# The packages: what the rebuild for another kernel refuses, and the directory that
# drivers are built in.

# shellcheck source=../lib/stock.sh
. "$TOOLS/lib/stock.sh"
# shellcheck source=../lib/installed.sh
. "$TOOLS/lib/installed.sh"
# shellcheck source=../lib/metadata.sh
. "$TOOLS/lib/metadata.sh"

# A machine with Debian's 7.3.9, all of it of one version.
fake_machine() {
	HEADERS_BASE=$PWD/src
	mkdir -p src/linux-headers-7.3.9+deb13-amd64
	echo 'CONFIG_CC_VERSION_TEXT="some-gcc-14 (Debian) 14.2.0"' >src/linux-headers-7.3.9+deb13-amd64/.config
	echo 'include /usr/src/linux-headers-7.3.9+deb13-common/Makefile' >src/linux-headers-7.3.9+deb13-amd64/Makefile
	printf '%s\n' 'linux-headers-7.3.9+deb13-amd64 installed 7.3.9-1' \
		'linux-binary-7.3.9+deb13-amd64 installed 7.3.9-1' 'linux-source-7.3 installed 7.3.9-1' >packages
	dpkg-query() { grep -q "^${!#} " packages && awk -v name="${!#}" '$1 == name { print $2, $3 }' packages; }
}

test_deb_versions_are_those_that_are_installed() {
	fake_machine
	pin_installed 7.3.9+deb13-amd64 7.3
	expect '7.3.9-1 7.3.9+deb13-amd64 some-gcc-14' "$PIN_VERSION $PIN_STOCK_RELEASE $PIN_STOCK_CC"
	expect /usr/src/linux-headers-7.3.9+deb13-common "$(installed_common)"
	# The update may have unpacked it, and not configured it yet.
	sed -i 's/^\(linux-source.*\) installed/\1 unpacked/' packages
	pin_installed 7.3.9+deb13-amd64 7.3
}

test_deb_kernels_of_other_series_and_of_somebody_else() {
	fake_machine
	expect_error 'Linux 7\.4\.1\+deb13-amd64 is not of the series 7\.3' pin_installed 7.4.1+deb13-amd64 7.3
	expect_error 'Linux 7\.30\.1\+deb13-amd64 is not of the series 7\.3' pin_installed 7.30.1+deb13-amd64 7.3
	expect_error 'Linux 6\.12\.1\+deb13-amd64 is not' pin_installed 6.12.1+deb13-amd64 7.3
	expect_error 'Linux 7\.3\.9-mine is no kernel of Debian' pin_installed 7.3.9-mine 7.3
	expect_error '7\.3\.9\+deb13-arm64 is no kernel of Debian.s for amd64' pin_installed 7.3.9+deb13-arm64 7.3
}

test_deb_packages_that_are_missing_or_of_other_versions() {
	fake_machine
	sed -i '/linux-source/s/7.3.9-1/7.3.8-1/' packages
	expect_error 'linux-source-7\.3 is 7\.3\.8-1 and Linux .* is 7\.3\.9-1: install' pin_installed 7.3.9+deb13-amd64 7.3
	sed -i '/linux-source/d' packages
	expect_error 'linux-source-7\.3 is not installed and' pin_installed 7.3.9+deb13-amd64 7.3
	fake_machine
	sed -i '/linux-source/s/installed/config-files/' packages
	expect_error 'linux-source-7\.3 is not installed and' pin_installed 7.3.9+deb13-amd64 7.3
	fake_machine
	sed -i '/linux-binary/s/7.3.9-1/7.3.9-2/' packages
	expect_error 'headers-7\.3\.9\+deb13-amd64 is 7\.3\.9-1 and the kernel itself is 7\.3\.9-2' \
		pin_installed 7.3.9+deb13-amd64 7.3
	# Headers need no image beside them.
	sed -i '/linux-binary/d' packages
	pin_installed 7.3.9+deb13-amd64 7.3
	sed -i '/linux-headers/d' packages
	expect_error 'headers of Linux 7\.3\.9\+deb13-amd64 are not installed: install linux-headers-7\.3\.9' \
		pin_installed 7.3.9+deb13-amd64 7.3
}

test_deb_compilers_that_differ() {
	fake_machine
	STOCK_ELSE="there are no modules for this kernel"
	pin_installed 7.3.9+deb13-amd64 7.3
	some-gcc-14() { echo "some-gcc-14 (Debian) 14.3.0"; }
	expect_error '14\.2\.0.*14\.3\.0.*, so there are no modules for this kernel' check_stock_compilers "$HEADERS/.config"
}

# fake_metadata: a build of the kernel's crates, and one of the library.
fake_metadata() {
	mkdir -p build/rust/kernel build/scripts source/{tools/testing/selftests/kselftest,rust/kernel/pci} library/{drivers,rust}/dma_map
	touch build/scripts/target.json build/rust/{libkernel.rmeta,kernel.o,kernel/generated_arch_warn_asm.rs} \
		source/tools/testing/selftests/kselftest/ktap_helpers.sh source/rust/kernel/pci/id.rs \
		library/rust/dma_map/libdma_map.rmeta library/Module.symvers
	echo 'int f(void) { return 0; }' | gcc -x c -shared -o build/rust/libmacros.so -
	echo 'int f(void) { return 0; }' | gcc -x c -g -c -o library/drivers/dma_map/dma_map.ko -
}

test_deb_directory_to_build_in() {
	fake_metadata
	write_kdir build source 7.3.9+deb13-amd64 /usr/src/common all/7.3.9+deb13-amd64/kernel
	write_library library all/7.3.9+deb13-amd64/library
	cd all/7.3.9+deb13-amd64
	expect /usr/src/linux-headers-7.3.9+deb13-amd64/include "$(readlink kernel/include)"
	expect 'kernel libkernel.rmeta libmacros.so' "$(ls kernel/rust | paste -sd' ')"
	# Macros of the kernel crate include these where a driver uses them.
	expect generated_arch_warn_asm.rs "$(ls kernel/rust/kernel)"
	# kbuild finds its own place, and driver.mk that of the library.
	printf 'show: ; @echo $(KBUILD_OUTPUT)\n' >Makefile
	sed "s,/usr/src/common,$PWD," kernel/Makefile >kernel/Makefile.here
	expect "$PWD/kernel" "$(make -s -C kernel -f Makefile.here show)"
	expect "$PWD/kernel" "$(readlink -m library.kernel)"
	[ -r library/rust/dma_map/libdma_map.rmeta ] && [ -r library/Module.symvers ]
	expect '' "$(readelf -S library/drivers/dma_map/dma_map.ko | grep debug || true)"
}

test_deb_kernels_that_drivers_are_built_for() {
	METADATA_BASES=(package rebuilt)
	mkdir -p {package/7.3.9,rebuilt/7.3.9,rebuilt/7.3.10}+deb13-amd64/kernel rebuilt/.new.7.3.11/kernel
	touch package/7.3.9+deb13-amd64/kernel/Makefile \
		rebuilt/{7.3.9+deb13-amd64,7.3.10+deb13-amd64,.new.7.3.11}/kernel/Makefile
	expect '7.3.9+deb13-amd64 7.3.10+deb13-amd64' "$(metadata_releases | paste -sd' ')"
	expect package/7.3.9+deb13-amd64/kernel "$(metadata_kdir 7.3.9+deb13-amd64)"
	expect rebuilt/7.3.10+deb13-amd64/kernel "$(metadata_kdir 7.3.10+deb13-amd64)"
	! metadata_kdir 7.3.11
}

# What is left open in the files for the packages is filled in.
test_deb_names_that_are_filled_in() {
	local name
	for name in $(grep -oh '@[A-Z_]*@' "$TOOLS"/debian/* | sort -u); do
		grep -qF "|$name|" "$TOOLS/deb" || expect '' "$name"
	done
}

# A guest that boots without a checkout has all that session.py puts into it.
test_deb_has_what_a_guest_gets() {
	local path
	for path in $(sed -n 's|^[A-Z_]* = ROOT / "\([^"]*\)"$|\1|p' "$TOP/tools/testing/dma_map/session.py"); do
		grep -qE "copy \"\\\$share\" .*$path( |\$|\))" "$TOOLS/deb" || expect '' "$path"
	done
}

# DKMS builds for Debian's kernels of the series, and nothing where it can't.
test_deb_kernels_that_dkms_builds_for() {
	local kernelver BUILD_EXCLUSIVE_KERNEL
	sed 's/@SERIES@/7.3/; s/@VERSION@/0/' "$TOOLS/debian/dkms.conf" >dkms.conf
	# shellcheck source=/dev/null
	. ./dkms.conf
	for kernelver in 7.3.4+deb13-amd64 7.3.10+deb13-rt-amd64; do
		[[ $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]]
	done
	for kernelver in 7.4.1+deb13-amd64 7.30.1+deb13-amd64 6.12.1+deb13-amd64 7.3.4 7.3.4+deb13-arm64; do
		[[ ! $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]] || expect '' "$kernelver"
	done
	# There is no rebuild that would say that it can.
	. ./dkms.conf
	[[ ! $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]]
}

test_deb_version() {
	DMA_MAP_ENV=1 DMA_MAP_VERSION=1.0-rc1 expect_error 'DMA_MAP_VERSION=1\.0-rc1' "$TOOLS/deb"
}
