# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by the checks.
set -euo pipefail

# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
cd "$TOP"

# shellcheck disable=SC2120
# project_files [FIND-EXPRESSION]: the project's files, without what builds
# leave (also in a cache that lies in the checkout). From the directory rather than
# from git, so that a file is checked before it is committed and where there is no git.
project_files() {
	find . \( -path ./.git -o -path ./build -o -path ./rust-project.json -o -path "./${DMA_MAP_CACHE#"$PWD/"}" -o -name __pycache__ \) -prune -o -type f \
		"${NO_PRODUCTS[@]}" "$@" -print | sed 's,^\./,,' | sort
}

# Scripts are known by their first line: most have no suffix.
# shellcheck disable=SC2119
shell_files() {
	project_files | xargs awk '
		FNR == 1 && (/^#!(\/usr)?\/bin\/(env )?(ba|da)?sh/ || FILENAME ~ /\.sh$/) { print FILENAME }
		{ nextfile }'
}

# compile: brings $COMPILED up to date, the modules as `make modules` builds them.
COMPILED=build/$(flavour)
compile() {
	tools/dma_map/modules >/dev/null 2>&1 && return
	echo "the modules do not build: see make modules"
	exit 1
}

# other_builds: the other builds here (build/NAME) that are up to date.
other_builds() {
	local stamp build
	for stamp in build/*.complete; do
		build=${stamp#build/}
		build=${build%.complete}
		if [ "$build" != lint ] && [ "build/$build" != "$COMPILED" ] && [ -e "$stamp" ] &&
			[ -z "$(find rust drivers -type f -newer "$stamp" -print -quit)" ]; then
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
