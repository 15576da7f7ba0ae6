# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Compares the configuration fragments with what became of them.

# One line "FRAGMENT OPTION LINE" for each option: of several fragments that name
# it, the last one has the say, as when they are merged.
wanted_options() {
	fragments | xargs awk '
		/^CONFIG_/ || /^# CONFIG_[A-Za-z0-9_]+ is not set$/ {
			match($0, /CONFIG_[A-Za-z0-9_]+/)
			name = substr($0, RSTART, RLENGTH)
			if (!(name in line))
				order[++count] = name
			line[name] = $0
			file = FILENAME
			sub(/.*\//, "", file)
			from[name] = file
		}
		END {
			for (i = 1; i <= count; i++)
				print from[order[i]], order[i], line[order[i]]
		}'
}

# An option with a missing dependency vanishes silently; then a test that
# relies on it would test nothing. Prints one line for each.
# untaken_options CONFIG
untaken_options() {
	local config=$1 fragment name line
	wanted_options | while read -r fragment name line; do
		case $line in
		CONFIG_*) ! grep -qxF -- "$line" "$config" || continue ;;
		*) grep -q "^$name=" "$config" || continue ;;
		esac
		echo "  $fragment wants: $line; the kernel has: $(grep -E "^(# )?${name}[= ]" "$config" || echo "no such option")"
	done
}
