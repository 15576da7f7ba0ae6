# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# Which mirror is taken, from what apt says that it is configured with.

# shellcheck source=../lib/mirror.sh
. "$TOOLS/lib/mirror.sh"

# The addresses' scheme, apart: no address stands in a script.
S=http:

# mirror_of: find_mirror with the lines of stdin in place of apt's.
mirror_of() {
	local lines
	lines=$(cat)
	apt_indexes() { printf '%s\n' "$lines"; }
	find_mirror
}

test_mirror_is_the_main_archive_not_the_security_one() {
	expect "$S//b.example/debian" "$(mirror_of <<-END
		$S//a.example/debian-security/|bookworm-security|main|Debian|Debian-Security
		$S//b.example/debian/|bookworm-updates|main|Debian|Debian
		$S//b.example/debian/|bookworm|main|Debian|Debian
	END
	)"
}

test_mirror_is_not_a_third_party_with_debian_suite_names() {
	expect "$S//b.example/debian" "$(mirror_of <<-END
		$S//vendor.example/repos/|bookworm|main|vendor|vendor bookworm
		$S//other.example/deb/|nodistro|main|Other|Other
		$S//b.example/debian/|bookworm|main|Debian|Debian
		$S//vendor.example/repos/|bookworm|main||
	END
	)"
}

test_mirror_with_lists_never_downloaded() {
	expect "$S//b.example/debian" "$(mirror_of <<-END
		$S//b.example/debian/|trixie|main||
		$S//b.example/debian/|trixie|main||
		$S//b.example/debian-security/|trixie-security|main||
	END
	)"
}

test_mirror_is_not_guessed_between_two() {
	expect_error 'no Debian mirror.*DMA_MAP_MIRROR' mirror_of <<-END
		$S//a.example/debian/|trixie|main||
		$S//b.example/debian/|trixie|main||
	END
}

test_mirror_of_another_distribution_is_refused() {
	expect_error 'no Debian mirror' mirror_of <<-END
		$S//a.example/ubuntu/|noble|main|Ubuntu|Ubuntu
		$S//a.example/ubuntu/|noble-security|main|Ubuntu|Ubuntu
		$S//a.example/ubuntu/|noble|main||
	END
}

test_mirror_needs_component_main() {
	expect_error 'no Debian mirror' mirror_of <<-END
		$S//a.example/debian/|trixie|contrib|Debian|Debian
	END
}

test_mirror_list_in_a_file() {
	printf '# a comment\n\n%s//b.example/debian\tpriority:1\n%s//c.example/debian\n' $S $S >list
	expect "$S//b.example/debian" "$(mirror_of <<-END
		mirror+file:$PWD/list/|bookworm|main|Debian|Debian
	END
	)"
	expect "$S//b.example/debian" "$(mirror_of <<-END
		mirror+file://$PWD/list|bookworm|main|Debian|Debian
	END
	)"
}

test_mirror_on_a_disc_is_refused() {
	expect_error 'no Debian mirror' mirror_of <<-END
		cdrom:[Debian 12]/|bookworm|main|Debian|Debian
	END
}

test_mirror_of_the_user_wins() {
	export DMA_MAP_MIRROR=$S//mine.example/debian/
	expect "$S//mine.example/debian" "$(mirror_of <<-END
		$S//b.example/debian/|bookworm|main|Debian|Debian
	END
	)"
}

test_transport_options_are_taken_over() {
	apt-config() {
		cat <<-END
			Acquire "";
			Acquire::http "";
			Acquire::http::Proxy "$S//proxy.example:3142";
			Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";
			Acquire::Check-Valid-Until "false";
			Acquire::GzipIndexes "true";
			APT::Install-Recommends "1";
		END
	}
	expect "Acquire::http::Proxy=$S//proxy.example:3142
Acquire::Check-Valid-Until=false" "$(apt_transport_options)"
}
