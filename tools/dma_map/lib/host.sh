# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the environment takes from the machine itself: packages through apt-get.

# The names in packages.list.
wanted_packages() {
	sed 's/#.*//' "$TOOLS/packages.list" | awk 'NF { print $1 }'
}

# Those among the arguments that are not installed, on one line.
missing_packages() {
	local have
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | awk '$1 == "installed" { print $2 }')
	printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$have") | paste -sd' '
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2
}

apt_lists_are_old() {
	[ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -2 2>/dev/null | head -n 1)" ]
}

# apt_update: a repository of somebody else's may be down; what counts is
# whether the packages can be had, which the next step finds out.
apt_update() {
	say "apt-get update"
	apt_get update || say "apt-get update failed (see above), going on with the lists that are there"
}

# install_packages NAME...
install_packages() {
	say "installing with apt-get: $*"
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "installing packages needs root and there is no sudo: run 'apt-get install --no-install-recommends $*' as root, then run this again."
	fi
	if apt_lists_are_old; then apt_update; fi
	apt_get install --no-install-recommends "$@" && return
	# Lists from before a point release name files that are gone.
	apt_update
	apt_get install --no-install-recommends "$@" ||
		die "apt-get can't install the packages (its reason is above): if it could not download, check the network and this machine's apt sources, then run this again."
}

# The whole set-up on Debian 13.
setup_native() {
	local missing
	# shellcheck disable=SC2046
	missing=$(missing_packages $(wanted_packages))
	[ -n "$missing" ] || return 0
	need_space 8000 "setting up (packages, kernel source and builds)"
	# shellcheck disable=SC2086
	install_packages $missing
}
