# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# A fragment's option that the kernel's configuration dropped is named.

# shellcheck source=../lib/config.sh
. "$TOOLS/lib/config.sh"

# untaken FRAGMENT-LINE CONFIG-LINE
untaken() {
	printf '# a comment\n%s\n' "$1" >some.config
	printf '%s\n' CONFIG_OTHER=y "$2" >config
	fragments() { echo some.config; }
	untaken_options config
}

test_config_option_taken() {
	expect '' "$(untaken CONFIG_A=y CONFIG_A=y)"
	expect '' "$(untaken CONFIG_N=-1 CONFIG_N=-1)"
	expect '' "$(untaken '# CONFIG_A is not set' '# CONFIG_A is not set')"
	expect '' "$(untaken '# CONFIG_A is not set' CONFIG_AB=y)"
}

test_config_option_dropped() {
	expect '  some.config wants: CONFIG_A=y; the kernel has: # CONFIG_A is not set' \
		"$(untaken CONFIG_A=y '# CONFIG_A is not set')"
	expect '  some.config wants: CONFIG_A=y; the kernel has: no such option' \
		"$(untaken CONFIG_A=y CONFIG_AB=y)"
}

test_config_option_with_another_value() {
	expect '  some.config wants: CONFIG_N=8; the kernel has: CONFIG_N=64' \
		"$(untaken CONFIG_N=8 CONFIG_N=64)"
	expect '  some.config wants: CONFIG_A=y; the kernel has: CONFIG_A=m' \
		"$(untaken CONFIG_A=y CONFIG_A=m)"
}

test_config_option_that_was_to_be_off() {
	expect '  some.config wants: # CONFIG_A is not set; the kernel has: CONFIG_A=y' \
		"$(untaken '# CONFIG_A is not set' CONFIG_A=y)"
}

# A configuration turns off what the base has on.
test_config_option_of_two_fragments() {
	printf '%s\n' CONFIG_A=y CONFIG_B=y >base.config
	printf '%s\n' '# CONFIG_A is not set' CONFIG_N=1 >some.config
	printf '%s\n' '# CONFIG_A is not set' CONFIG_B=y CONFIG_N=1 >config
	fragments() { printf '%s\n' base.config some.config; }
	expect '' "$(untaken_options config)"
	printf '%s\n' CONFIG_A=y CONFIG_N=1 >config
	expect '  some.config wants: # CONFIG_A is not set; the kernel has: CONFIG_A=y
  base.config wants: CONFIG_B=y; the kernel has: no such option' "$(untaken_options config)"
}
