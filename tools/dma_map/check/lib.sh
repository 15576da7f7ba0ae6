# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by the checks.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

# shellcheck disable=SC2120
# project_files [FIND-EXPRESSION]: the project's files, without what builds
# leave (also in a cache that lies in the checkout). From the directory rather than from git, so that a file is checked
# before it is committed and where there is no git.
project_files() {
	find . \( -path ./.git -o -path ./build -o -path "./${DMA_MAP_CACHE#"$PWD/"}" -o -name __pycache__ \) -prune -o -type f \
		! -name '*.o' ! -name '*.ko' ! -name '*.cmd' ! -name '*.mod' ! -name '*.mod.c' \
		! -name '*.rmeta' ! -name '*.symvers' ! -name modules.order ! -name '*_generated.*' \
		! -name '*.swp' ! -name '*~' "$@" -print | sed 's,^\./,,' | sort
}

# Scripts are known by their first line: most have no suffix.
# shellcheck disable=SC2119
shell_files() {
	project_files | xargs awk '
		FNR == 1 && (/^#!(\/usr)?\/bin\/(env )?(ba|da)?sh/ || FILENAME ~ /\.sh$/) { print FILENAME }
		{ nextfile }'
}

# lint_modules: builds the modules into build/lint, as "lint" and "panics" want
# them. Line tables do not change the code.
lint_modules() {
	DMA_MAP_BUILD=$PWD/build/lint tools/dma_map/modules modules CLIPPY=1 W=1 \
		KRUSTFLAGS=-Cdebuginfo=line-tables-only
}

# other_builds: the names of the other builds here (build/NAME) that are up to date.
other_builds() {
	local module build
	for module in build/*/drivers/dma_map/dma_map.ko; do
		build=${module#build/}
		build=${build%%/*}
		if [ "$build" != lint ] && [ -e "$module" ] &&
			[ -z "$(find rust drivers -type f -newer "$module" -print -quit)" ]; then
			echo "$build"
		fi
	done
}

# need_some FILE...: a check that finds nothing to look at has lost its subject.
need_some() {
	[ $# -gt 0 ] && return
	echo "nothing to check"
	exit 1
}
