# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Compares the configuration fragments with what became of them.

# An option with a missing dependency vanishes silently; then a test that
# relies on it would test nothing. Prints one line for each.
# untaken_options CONFIG
untaken_options() {
	local config=$1 fragment line name
	fragments | while read -r fragment; do
		while read -r line; do
			case $line in
			CONFIG_*) ! grep -qxF -- "$line" "$config" || continue ;;
			'# CONFIG_'*' is not set')
				name=${line#\# }
				name=${name% is not set}
				grep -q "^$name=" "$config" || continue
				;;
			*) continue ;;
			esac
			name=$(grep -o 'CONFIG_[A-Za-z0-9_]*' <<<"$line")
			echo "  ${fragment##*/} wants: $line; the kernel has: $(grep -E "^(# )?${name}[= ]" "$config" || echo "no such option")"
		done <"$fragment"
	done
}
