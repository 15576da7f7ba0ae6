# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the environment takes from the machine itself: packages through apt-get.

# The names in packages.list: those of $GROUP, or those that belong to no group.
wanted_packages() {
	sed 's/#.*//' "$TOOLS/packages.list" | awk -v group="${GROUP:-}" '
		/^\[.*\]/ { sub(/^\[/, ""); sub(/\].*/, ""); current = $0; next }
		NF && current == group { print $1 }'
}

# Those among the arguments that are not installed, on one line.
missing_packages() {
	local have
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | awk '$1 == "installed" { print $2 }')
	printf '%s\n' "$@" | { grep -vxF -f <(printf '%s\n' "$have") || true; } | paste -sd' '
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
		apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

apt_lists_are_old() {
	[ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -2 2>/dev/null | sed -n 1p)" ]
}

# A repository of somebody else's may be down; what counts is whether the
# packages exist, which the next step finds out.
apt_update() {
	say "apt-get update"
	apt_get update >"$CACHE/apt.log" 2>&1 ||
		say "apt-get update failed ($(grep -m 1 '^E:' "$CACHE/apt.log" || echo "see $CACHE/apt.log")), going on with the lists that are there"
}

# How many packages an installation would add or change.
apt_steps() {
	apt-get -s install --no-install-recommends "$@" 2>/dev/null | grep -c '^Inst' || true
}

# apt_install NAME...
apt_install() {
	local count
	count=$(apt_steps "$@")
	say "installing $count packages: these and what they need"
	if [ "$(id -u)" = 0 ]; then
		progress apt-get steps $((2 * count)) '^(Unpacking|Setting up) ' "$CACHE/apt.log" -- \
			apt_get install --no-install-recommends "$@"
	else
		# In the foreground: sudo may ask for a password.
		apt_get install --no-install-recommends "$@" 2>&1 | tee "$CACHE/apt.log" >&2
	fi
}

# install_packages NAME...
install_packages() {
	say "to be installed with apt-get: $*"
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "installing packages needs root and there is no sudo: run 'apt-get install --no-install-recommends $*' as root, then run this again."
	fi
	if apt_lists_are_old; then apt_update; fi
	apt_install "$@" && return
	# Lists from before a point release name files that are gone.
	apt_update
	apt_install "$@" ||
		fail_with_log "$CACHE/apt.log" "apt-get can't install the packages: if it could not download, check the network and this machine's apt sources, then run this again."
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
