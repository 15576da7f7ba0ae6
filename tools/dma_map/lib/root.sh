# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The private Debian 13 root, for machines that are not Debian 13 themselves.

ROOT_SUITE=trixie
# To be counted up when build_root makes something else of the same packages.
ROOT_RECIPE=1
ROOT_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Keyed by what decides what is in it. A group's packages are not added to the root that is there: a
# root is never changed, so that whoever runs in it is not disturbed.
root_path() {
	local key
	key=$({ echo $ROOT_RECIPE && wanted_packages; } | sha256sum | cut -c1-12)
	echo "$CACHE/root-$ROOT_SUITE-${GROUP:+$GROUP-}$key"
}

# What building and entering a root needs from this machine.
need_root_tools() {
	[ "$(id -u)" = 0 ] ||
		die "on a machine that is not Debian 13 the toolchain runs in a private Debian 13 root, and entering it needs root: run this as root, or with sudo."
	unshare --mount --propagation private true 2>/dev/null ||
		die "this machine does not allow mount namespaces (a container without privileges?): allow them, or use a Debian 13 machine, which needs none."
}

need_mmdebstrap() {
	if ! command -v mmdebstrap >/dev/null; then
		[ "$OS_ID" = debian ] ||
			die "mmdebstrap is not installed: install the package mmdebstrap (it needs apt on this machine), or use a Debian 12 or 13 machine."
		say "this is $OS_NAME: the toolchain goes into a private Debian 13 root, made by mmdebstrap"
		install_packages mmdebstrap
	fi
	[ -r $ROOT_KEYRING ] ||
		die "$ROOT_KEYRING is missing: install the package debian-archive-keyring."
}

root_size() {
	if [ -n "${GROUP:-}" ]; then
		echo "300 MB, a minute on a fast line, for the group $GROUP"
	else
		echo "2 GB, a minute on a fast line"
	fi
}

build_root() {
	local root=$1 tmp log=$CACHE/root.log mirror option
	local -a packages args=()
	need_mmdebstrap
	# A machine that never ran apt-get update does not know its mirrors' names.
	if apt_lists_are_old; then apt_update; fi
	mirror=$(find_mirror)
	if [ -n "${GROUP:-}" ]; then
		need_space 1000 "setting up (a root for the group $GROUP)"
	else
		need_space 8000 "setting up (root, kernel source and builds)"
	fi
	drop_leftovers root
	mapfile -t packages < <(wanted_packages)
	case $mirror in https:*) packages+=(ca-certificates) ;; esac
	while read -r option; do
		args+=("--aptopt=${option%%=*} \"${option#*=}\"")
	done < <(apt_transport_options)

	say "making a private Debian 13 root, once: about $(root_size), from $mirror"
	say "into it go: ${packages[*]}"
	tmp=$CACHE/root.tmp.$$
	# The mounts that mmdebstrap makes die with its namespace, also when it is killed.
	progress environment steps "$([ -n "${GROUP:-}" ] && echo 390 || echo 640)" '^(Unpacking|Setting up) ' "$log" -- \
		unshare --mount --propagation private \
		mmdebstrap --mode=root --variant=apt --architectures=amd64 --verbose \
		--include="$(IFS=, && echo "${packages[*]}")" \
		--aptopt='APT::Sandbox::User "root"' --aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "3"' "${args[@]}" \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		$ROOT_SUITE "$tmp" "deb [signed-by=$ROOT_KEYRING] $mirror $ROOT_SUITE main" || {
		rm -rf --one-file-system -- "$tmp"
		fail_with_log "$log" "the Debian 13 root could not be made: if a download failed, check the network and the mirror $mirror; nothing half done is left."
	}
	mv -T "$tmp" "$root"
}

setup_root() {
	local root
	need_root_tools
	root=$(root_path)
	[ ! -d "$root" ] || return 0
	take_lock root
	# Another run may have made it while this one waited.
	[ -d "$root" ] || build_root "$root"
	drop_lock
}

# A directory of the machine's own system must not cover the root's.
is_system_directory() {
	case $1/ in
	// | /bin/* | /boot/* | /dev/* | /etc/* | /lib*/* | /proc/* | /run/* | /sbin/* | /sys/* | /tmp/ | /var/ | /var/lib/*) true ;;
	/usr/src/?*) false ;;
	/usr/*) true ;;
	*) false ;;
	esac
}

# Directories to make visible at the same path: the checkout, the cache, the
# user's kernel with its source, where the command starts, and what DMA_MAP_SHOW
# lists.
binds() {
	local directory
	local -a more
	printf '%s\n' "$TOP" "$CACHE"
	mapfile -t more <<<"${DMA_MAP_SHOW:-}"
	for directory in "$(pwd -P)" "${KDIR:-}" "${KDIR:+$(realpath -m -- "$KDIR/source")}" "${more[@]}"; do
		# Also skips the empty one.
		if [ -d "$directory" ] && ! is_system_directory "$directory"; then
			echo "$directory"
		fi
	done
}

# run_in_root CMD...
run_in_root() {
	local -a dirs
	mapfile -t dirs < <(binds | sort -u)
	exec unshare --mount --propagation private -- \
		bash "$TOOLS/lib/enter.sh" "$(root_path)" "$(pwd -P)" "${dirs[@]}" -- "$@"
}
