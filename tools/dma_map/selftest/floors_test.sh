# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# That the order of the library's floors is kept, and each way to break it found.

# small_library: a crate of two floors, with a file on each and one that the crate root hands on.
small_library() {
	mkdir -p lib/low lib/high/deep
	cat >lib/x.rs <<-'END'
		//! | floor | what |
		//! |---|---|
		//! | `low` | below |
		//! | `high` | above |
		pub mod high;
		mod low;

		pub use self::low::given;
		pub use self::high::handle::Handle;
		pub struct Module;
	END
	printf 'pub(crate) mod ffi;\npub mod given;\n' >lib/low.rs
	printf 'use super::given::Given;\n' >lib/low/ffi.rs
	printf 'pub struct Given;\n' >lib/low/given.rs
	printf 'pub mod handle;\nmod deep;\n' >lib/high.rs
	printf 'use crate::{given::Given, low::ffi};\n' >lib/high/handle.rs
	printf 'mod inner;\n' >lib/high/deep.rs
	printf 'use super::super::{super::low, handle::Handle};\n' >lib/high/deep/inner.rs
}

# expect_floors WANTED: what the check says of the crate, but for its count.
expect_floors() {
	local output
	if output=$("$TOOLS/check/floors" lib/x.rs); then
		echo "no complaint: $output"
		exit 1
	fi
	expect "$1" "$(sed '$d' <<<"$output")"
}

# expect_up WHAT LINE...: the line, at the end of a file on the lower floor, imports WHAT from above.
expect_up() {
	local wanted=$1
	shift
	small_library
	printf '%s\n' "$@" >lib/low/ffi.rs
	expect_floors "low/ffi.rs:$#: $wanted is of the floor high, above low"
}

test_floors_in_order_pass() {
	small_library
	expect '7 files on 2 floors, 5 imports' "$("$TOOLS/check/floors" lib/x.rs)"
}

test_floors_use_of_what_is_above() {
	expect_up high::handle::Handle 'use crate::high::handle::Handle;'
	expect_up high::handle 'pub(crate) use super::super::high::handle as other;'
	expect_up 'high::*' 'use self::super::super::high::*;'
}

test_floors_use_in_a_list() {
	small_library
	printf 'use crate::{\n    given::Given,\n    high::{\n        handle::Handle, //\n    },\n};\n' >lib/low/ffi.rs
	expect_floors 'low/ffi.rs:4: high::handle::Handle is of the floor high, above low'
}

test_floors_path_in_the_code() {
	expect_up high::handle::new '// A comment.' 'fn f() { crate::high::handle::new() }'
	expect_up high::handle::Handle 'fn f(_: &super::super::high::handle::Handle) {}'
	expect_up high::handle::Handle 'mod inner { fn f(_: super::super::super::high::handle::Handle) {} }'
	# The module has ended.
	expect_up high::handle::Handle 'mod inner { struct S {} }' 'fn f(_: super::super::high::handle::Handle) {}'
}

test_floors_name_that_the_root_hands_on() {
	expect_up high::handle::Handle 'use crate::Handle;'
}

test_floors_what_the_root_defines() {
	small_library
	printf 'use crate::Module;\n' >lib/high/handle.rs
	expect_floors "high/handle.rs:1: Module is the crate root's, above all floors"
	printf 'use crate::*;\n' >lib/high/handle.rs
	expect_floors "high/handle.rs:1: * is the crate root's, above all floors"
}

test_floors_comments_and_strings_import_nothing() {
	small_library
	cat >lib/low/ffi.rs <<-'END'
		//! [`Handle`](crate::high::handle::Handle)
		/* crate::high */
		const A: &str = "use crate::high::handle; \" crate::high";
		const B: &str = r#"crate::high " "#;
		const C: char = '"';
		fn f<'a>(_: &'a u8) {} // crate::high
	END
	"$TOOLS/check/floors" lib/x.rs
}

test_floors_circle_on_a_floor() {
	small_library
	printf 'use super::ffi;\n' >lib/low/given.rs
	expect_floors 'on the floor low imports go in a circle: ffi -> given -> ffi'
	# A file and what is in its folder are one.
	small_library
	printf 'use self::inner::Inner;\n' >lib/high/deep.rs
	printf 'use super::Outer;\n' >lib/high/deep/inner.rs
	"$TOOLS/check/floors" lib/x.rs
}

test_floors_table_and_folders_are_the_same() {
	small_library
	sed -i 's/`low`/`lower`/' lib/x.rs
	output=$("$TOOLS/check/floors" lib/x.rs) && exit 1
	grep -qx "the floor low is not in the crate root's table" <<<"$output"
	grep -qx "the floor lower of the crate root's table has no file lower.rs" <<<"$output"
	grep -qx 'low/given.rs is on no floor' <<<"$output"
}

test_floors_without_a_table() {
	small_library
	sed -i '/floor/d' lib/x.rs
	output=$("$TOOLS/check/floors" lib/x.rs 2>&1) && exit 1
	expect "the crate root's documentation has no table of floors: //! | floor |" "$output"
}
