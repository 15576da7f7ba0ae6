# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Fetches the pinned kernel source: a Debian package, through an apt state of
# its own, so that neither the machine's apt nor its sources are touched.

SOURCE_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The version in use: the pinned one, unless it was gone when it was fetched.
source_version() {
	cat "$CACHE/linux-for-$(plain "$PIN_VERSION")" 2>/dev/null
}

# Debian versions have characters that do not belong into a path of kbuild.
plain() {
	tr '~+:' '---' <<<"$1"
}

source_path() {
	local version
	version=$(source_version) || return 1
	echo "$CACHE/linux-$(plain "$version")"
}

# private_apt DIR COMMAND ARGS...: apt-get or apt-cache with its state in DIR.
private_apt() {
	local dir=$1 tool=$2 option
	local -a args=()
	shift 2
	while read -r option; do args+=(-o "$option"); done < <(apt_transport_options)
	"$tool" "${args[@]}" \
		-o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::Etc::preferencesparts=- -o Dir::Etc::preferences=- \
		-o "Dir::State=$dir" -o "Dir::State::status=$dir/status" \
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" \
		-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root \
		-o Acquire::AllowInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false \
		-o Debug::NoLocking=true "$@"
}

# Prints the version to fetch: the pinned one, or the newest of its series.
choose_version() {
	local versions version newest=
	versions=$(private_apt "$1" apt-cache madison "$PIN_PACKAGE" | awk -F' *\\| *' '{ print $2 }')
	if grep -qxF "$PIN_VERSION" <<<"$versions"; then
		echo "$PIN_VERSION"
		return
	fi
	for version in $versions; do
		case $version in "$PIN_SERIES".*) ;; *) continue ;; esac
		if [ -z "$newest" ] || dpkg --compare-versions "$version" gt "$newest"; then
			newest=$version
		fi
	done
	[ -n "$newest" ] ||
		die "$PIN_SUITE has no $PIN_PACKAGE any more: build a Linux $PIN_SERIES kernel yourself and give its build directory with KDIR=."
	say "kernel: $PIN_PACKAGE $PIN_VERSION is gone from $PIN_SUITE, taking $newest (change tools/dma_map/kernel.pin to keep it)"
	echo "$newest"
}

# open_suite DIR LOG MIRROR: an apt state in DIR that has read the pinned suite.
open_suite() {
	local dir=$1 log=$2 mirror=$3
	mkdir -p "$dir"/{lists/partial,cache/archives/partial}
	: >"$dir/status"
	echo "deb [signed-by=$SOURCE_KEYRING] $mirror $PIN_SUITE main" >"$dir/sources.list"
	private_apt "$dir" apt-get -q update --error-on=any >"$log" 2>&1 || {
		rm -rf -- "$dir"
		fail_with_log "$log" "can't read $PIN_SUITE from the mirror $mirror: check the network, then run this again."
	}
}

fetch_source_locked() {
	local tmp=$CACHE/source.tmp.$$ log=$CACHE/source.log mirror version path
	need_space 6000 "the kernel's source and build"
	drop_leftovers source
	mirror=$(find_mirror)
	open_suite "$tmp" "$log" "$mirror"
	mkdir "$tmp/tree"
	version=$(choose_version "$tmp")
	say "kernel: downloading $PIN_PACKAGE $version, about 160 MB, from $mirror"
	(cd "$tmp" && private_apt "$tmp" apt-get -q download "$PIN_PACKAGE=$version") >>"$log" 2>&1 || {
		rm -rf -- "$tmp"
		fail_with_log "$log" "can't download $PIN_PACKAGE $version from the mirror $mirror: check the network, then run this again."
	}
	say "kernel: unpacking the source, about 1.8 GB"
	dpkg-deb --fsys-tarfile "$tmp"/*.deb |
		tar -xO "./usr/src/$PIN_PACKAGE.tar.xz" |
		tar -xJ -C "$tmp/tree" --strip-components=1 || {
		rm -rf -- "$tmp"
		die "can't unpack the kernel source into $CACHE: is the disk full? Make room, then run this again."
	}
	path=$CACHE/linux-$(plain "$version")
	[ -d "$path" ] || mv -T "$tmp/tree" "$path"
	echo "$version" >"$CACHE/linux-for-$(plain "$PIN_VERSION")"
	rm -rf -- "$tmp"
}

have_source() {
	local path
	path=$(source_path) && [ -d "$path" ]
}

fetch_source() {
	! have_source || return 0
	take_lock source
	have_source || fetch_source_locked
	drop_lock
}

# link_source SOURCE TREE: a kernel tree of links to SOURCE, for tools that only read it. Real are the
# folders in which make overlay puts or changes something.
link_source() {
	local entry name
	mkdir -p "$2"
	for entry in "$1"/*; do
		name=${entry##*/}
		case $name in
		Documentation | drivers | rust | tools)
			mkdir "$2/$name"
			ln -s "$entry"/* "$2/$name/"
			;;
		*) ln -s "$entry" "$2/" ;;
		esac
	done
}
