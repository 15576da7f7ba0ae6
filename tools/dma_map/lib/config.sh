# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Configures a kernel from fragments, and compares these with what became of them.
# The caller has base_config, which prints the name of the configuration to start
# with, and fragments, which prints their files in order.

# The tree that is built: the pinned source, unless KERNEL_TREE names another one.
kernel_tree() {
	echo "${KERNEL_TREE:-$(source_path)}"
}

# kernel_make BUILD ARGS...
kernel_make() {
	local build=$1
	shift
	# Fixed, so that two builds of the same source are the same.
	make -C "$(kernel_tree)" O="$build" ${LLVM:+LLVM=1} \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' \
		KBUILD_BUILD_USER=dma_map KBUILD_BUILD_HOST=dma_map "$@"
}

configure() {
	local build=$1 untaken
	local -a files
	mapfile -t files < <(fragments)
	mkdir -p "$build"
	{
		kernel_make "$build" "$(base_config)" &&
			(cd "$(kernel_tree)" && scripts/kconfig/merge_config.sh -m -O "$build" "$build/.config" "${files[@]}") &&
			kernel_make "$build" olddefconfig
	} >"$build.log" 2>&1 </dev/null || fail_with_log "$build.log" "the kernel could not be configured."
	untaken=$(untaken_options "$build/.config")
	if [ -n "$untaken" ]; then
		printf '%s\n' "$untaken" >&2
		rm -f "$build/.config"
		die "these options did not take: a dependency is missing from the fragments in tools/testing/dma_map/configs."
	fi
}

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
