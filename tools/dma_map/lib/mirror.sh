# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Finds the Debian mirror that this machine's apt is configured with. No host
# name stands in the project: a machine behind a local mirror uses that one.

# One line per package index that apt is configured with:
# URI|release|component|origin|label. Origin and label come from the index
# itself; the lines of the second call stand for those never downloaded.
# shellcheck disable=SC2016
apt_indexes() {
	local info format='$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)'
	for info in --release-info --no-release-info; do
		# apt leaves a field that it does not know as it was written.
		apt-get indextargets $info --format "$format" 'Created-By: Packages' 2>/dev/null |
			sed 's/\$([A-Z_]*)//g'
	done
}

# Reads apt_indexes' lines, prints the candidates, best kind first: an archive
# that says it is Debian's own; else one whose suite has the name of a Debian
# release. Others (security, backports by another name, third parties) carry
# other labels.
rank_mirrors() {
	awk -F'|' '
		$3 != "main" { next }
		$2 ~ /security/ { next }
		$4 == "Debian" && $5 == "Debian" { if (!seen[$1]++) sure[++s] = $1; next }
		$4 == "" && $2 ~ /^(bookworm|trixie|forky|sid|stable|testing|unstable)(-updates|-backports)?$/ {
			if (!seen[$1]++) maybe[++m] = $1
		}
		END {
			for (i = 1; i <= s; i++) print "sure", sure[i]
			for (i = 1; i <= m; i++) print "maybe", maybe[i]
		}'
}

# A list of mirrors in a file, as Debian's cloud images have it: its first entry.
resolve_mirror_list() {
	local file=${1#mirror+file:}
	if [ "$file" = "$1" ]; then
		echo "$1"
	else
		awk '$1 ~ /^[a-z]+:\/\// { print $1; exit }' "${file%/}"
	fi
}

# Prints the mirror's address, or fails with a sentence.
find_mirror() {
	local ranked mirror
	if [ -n "${DMA_MAP_MIRROR:-}" ]; then
		echo "${DMA_MAP_MIRROR%/}"
		return
	fi
	ranked=$(apt_indexes | rank_mirrors)
	mirror=$(sed -n 's/^sure //p' <<<"$ranked" | sed -n 1p)
	# Not sure: only when there is nothing to confuse it with.
	if [ -z "$mirror" ] && [ "$(grep -c '^maybe' <<<"$ranked")" = 1 ]; then
		mirror=${ranked#maybe }
	fi
	[ -z "$mirror" ] || mirror=$(resolve_mirror_list "$mirror")
	case $mirror in
	http:* | https:* | ftp:* | file:* | copy:*) echo "${mirror%/}" ;;
	*) die "apt on this machine has no Debian mirror (component main) configured: add one and run apt-get update, or set DMA_MAP_MIRROR to a mirror's address." ;;
	esac
}

# How this machine's apt reaches the network (proxies, and whether an old
# mirror snapshot is accepted), as "-o" arguments' values, one a line.
apt_transport_options() {
	apt-config dump 2>/dev/null | sed -n \
		-e '/[Pp]roxy-\?[Aa]uto/d' \
		-e 's/^\(Acquire::\(https\?::.*\|Retries\|ForceIPv[46]\|Check-Valid-Until\|Check-Date\)\) "\(..*\)";$/\1=\3/p'
}
