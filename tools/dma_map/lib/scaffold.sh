# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `make driver`: a new driver from the files in tools/dma_map/template. These are
# those of a driver that is called my_driver.

TEMPLATE=$TOOLS/template

# What Rust, the `kernel` crate or kbuild has another meaning for.
TAKEN='abstract alloc as async await become bindings box break build const continue core crate do
	dma_map dyn else enum extern ffi final fn for gen if impl in kernel let loop macro macros main match
	mod module move mut override priv pub ref return self static std struct super trait true false try
	type typeof uapi unsafe unsized use virtual where while yield'

check_driver_name() {
	[ -n "$1" ] || die "NAME is missing: make driver NAME=my_driver DIR=../my_driver."
	[[ $1 =~ ^[a-z][a-z0-9_]*$ ]] ||
		die "NAME=$1: the name of a module has small letters, digits and _ only, and begins with a letter."
	[ ${#1} -le 40 ] || die "NAME=$1 has more than 40 characters: take a shorter one."
	local word
	for word in $TAKEN; do
		[ "$1" != "$word" ] || die "NAME=$1 has a meaning of its own in Rust or in the kernel: take another one."
	done
	[[ $1 != dma_map_* ]] || die "NAME=$1: names that begin with dma_map_ are the library's own: take another one."
}

# check_driver_dir DIR: an absolute path.
check_driver_dir() {
	[ -n "$1" ] || die "DIR is missing: make driver NAME=my_driver DIR=../my_driver."
	case $1 in
	*[[:space:]:\|\&]*) die "DIR=$1: kbuild can't work in a path with a space, a colon, | or &: take another one." ;;
	esac
	case $1/ in
	"$TOP"/*) die "DIR=$1 is in the checkout of dma_map: take a directory outside of it." ;;
	esac
	! is_system_directory "$1" ||
		die "DIR=$1 is a directory of the system, or directly in one: take one of your own."
	[ ! -e "$1" ] || { [ -d "$1" ] && [ -z "$(ls -A -- "$1")" ]; } ||
		die "DIR=$1 is there already, and not empty: nothing is overwritten, so take another one."
}

# check_driver_ids BUS IDS
check_driver_ids() {
	case $1 in
	pci)
		[[ $2 =~ ^[0-9a-f]{4}:[0-9a-f]{4}$ ]] ||
			die "IDS=$2: a PCI function has VENDOR:DEVICE, each of 4 hexadecimal digits (lspci -n), such as IDS=1234:11e8."
		;;
	platform)
		[[ $2 =~ ^([A-Z]{3}|[A-Z0-9]{4})[0-9A-F]{4}$|^[a-z0-9.-]+,[A-Za-z0-9.,_+-]+$ ]] ||
			die "IDS=$2: a platform device has an ACPI ID, such as IDS=QEMU0002, or a device tree's compatible string, such as IDS=acme,dma-1."
		;;
	*) die "BUS=$1: use BUS=pci or BUS=platform." ;;
	esac
}

# vendor_constant FILE VENDOR: the name of a PCI vendor in the `kernel` crate's
# rust/kernel/pci/id.rs, if it has one.
vendor_constant() {
	sed -n "s,^ *\([A-Z0-9_]*\) *= bindings::PCI_VENDOR_ID_[A-Z0-9_]*\,  *// 0x$2\$,\1,p" "$1" | sed -n 1p
}

# qemu_device BUS IDS: arguments for a QEMU that has the device, if it can have it.
qemu_device() {
	case $1:$2 in
	pci:1234:11e8) echo "-device edu" ;;
	pci:1b36:0005) echo "-device pci-testdev" ;;
	pci:1b36:0006) echo "-device rocker" ;;
	pci:1b36:0010) echo "-device nvme,serial=1" ;;
	pci:8086:10d3) echo "-device e1000e" ;;
	pci:8086:100e) echo "-device e1000" ;;
	pci:8086:1229) echo "-device i82551" ;;
	pci:10ec:8139) echo "-device rtl8139" ;;
	pci:1022:2000) echo "-device pcnet" ;;
	# Each machine has it.
	platform:QEMU0002) echo "-nodefaults" ;;
	esac
}

# camel_case foo_bar: FooBar
camel_case() {
	local word
	for word in ${1//_/ }; do printf %s "${word^}"; done
}

# clone_address: where this checkout was cloned from, if others can do so too.
clone_address() {
	local address
	address=$(git -C "$TOP" remote get-url origin 2>/dev/null) || return 0
	case $address in
	http:* | https:* | ssh:* | git@*) echo "$address" ;;
	esac
}

# driver_source NAME BUS IDS VENDOR: the Rust source, with the vendor's name if there is one.
driver_source() {
	local name=$1 bus=$2 ids=$3 vendor=$4 type
	type=$(camel_case "$name")
	{
		if [ "$bus:$ids" = pci:1234:11e8 ]; then
			cat "$TEMPLATE/edu.rs"
		elif [ "$bus" = platform ]; then
			case $ids in
			# A device tree's names instead of ACPI's.
			*,*) sed -e '/^    acpi,$/d' -e 's/^    platform,$/    of,\n&/' -e 's/acpi/of/g; s/ACPI/OF/g' "$TEMPLATE/platform.rs" ;;
			*) cat "$TEMPLATE/platform.rs" ;;
			esac | sed "s/QEMU0002/$ids/g"
		elif [ -n "$vendor" ]; then
			sed -e '/scaffold: the IDs/d' \
				-e "s/Vendor::REDHAT, 0x0005/Vendor::$vendor, 0x${ids#*:}/; s/1b36:0005/$ids/g" "$TEMPLATE/pci.rs"
		else
			sed -e '/scaffold: the IDs/c\        if (pdev.vendor_id().as_raw(), pdev.device_id()) != IDS {\n            return Err(ENODEV);\n        }' \
				-e '/^kernel::pci_device_table/i\// The `kernel` crate has no name for the vendor: any class matches, and `probe` looks at the IDs.' \
				-e "/^kernel::pci_device_table/i\\const IDS: (u16, u16) = (0x${ids%:*}, 0x${ids#*:});" \
				-e 's/DeviceId::from_id(.*0x0005)/DeviceId::from_class(0, 0)/' \
				-e "s/1b36:0005/$ids/g" "$TEMPLATE/pci.rs"
		fi
	} | sed "s/my_driver/$name/g; s/MyDriver/$type/g"
}

# driver_text FILE NAME BUS IDS QEMU_ARGS: another file of the template.
driver_text() {
	local what next with=" with the device"
	next="A skeleton: what the data sheet decides is marked \`TODO\`."
	case $3:$4 in
	pci:1234:11e8)
		what="QEMU's \`edu\` device"
		next="\`probe\` lets the device copy within the region, and between buffers; each copy ends in an interrupt."
		;;
	pci:*) what="the PCI function $4" ;;
	*) what="the platform device \`$4\`" ;;
	esac
	[ -n "$5" ] || with=", without the device unless \`QEMU_ARGS\` in the \`Makefile\` names it"
	sed -e "s|@DMA_MAP@|$TOP|; s|@QEMU_ARGS@|$5|; s|@URL@|$(clone_address)|" \
		-e "s|@WHAT@|$what|; s|@NEXT@|$next|; s|@WITH@|$with|; s/my_driver/$2/g" "$TEMPLATE/$1"
}

# module_name DIR: the one module that the Kbuild there names.
module_name() {
	local name
	name=$(sed -n 's/^obj-m *[:+]\{0,1\}= *\([a-z0-9_-]*\)\.o$/\1/p' "$1/Kbuild")
	[ "$(wc -w <<<"$name")" = 1 ] ||
		die "$1/Kbuild is to have one line \"obj-m := NAME.o\": Documentation/dma_map/first-hour.rst says how to build others."
	echo "$name"
}

# write_driver DIR NAME BUS IDS VENDOR QEMU_ARGS
write_driver() {
	local dir=$1 name=$2 source file
	shift
	mkdir -p "$dir/.github/workflows" "$dir/ci"
	driver_source "$name" "$2" "$3" "$4" >"$dir/$name.rs"
	while read -r source file; do
		driver_text "$source" "$name" "$2" "$3" "$5" >"$dir/$file"
	done <<-END
		Kbuild Kbuild
		Makefile Makefile
		README.md README.md
		gitignore .gitignore
		ci.sh ci/run.sh
		github.yml .github/workflows/test.yml
		gitlab.yml .gitlab-ci.yml
	END
	chmod +x "$dir/ci/run.sh"
}
