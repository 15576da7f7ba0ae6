# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317
# The series: each file is in one patch, and an earlier state of the sources is the later
# one without what needs a missing file.

# a_patch NAME PATTERN...
a_patch() {
	mkdir -p patches
	{
		printf '%s\n' '# SPDX-License-Identifier: GPL-2.0' 'area: add a thing' '' 'Because of that.' '' ---
		printf '%s\n' "${@:2}"
	} >"patches/$1"
}

# manifest FILE...: what is wrong with it.
manifest() {
	printf '%s\n' "$@" >files
	python3 -B "$TOOLS/series_states.py" check patches files 2>&1
}

test_series_has_each_file_once() {
	a_patch 01-one lib.rs 'a/*.rs' b/
	a_patch 02-two a/deep/ MAINTAINERS
	expect '' "$(manifest lib.rs a/x.rs a/y.rs b/c/d.txt a/deep/z.rs MAINTAINERS)"
	expect 'error: a/new.txt is in no patch of the series' \
		"$(manifest lib.rs a/x.rs a/new.txt b/c a/deep/z.rs MAINTAINERS || true)"
	a_patch 02-two a/ MAINTAINERS
	expect 'error: a/x.rs is in 2 patches of the series: 01-one, 02-two' \
		"$(manifest lib.rs a/x.rs b/c MAINTAINERS || true)"
	# One that is named is not the folder's.
	a_patch 02-two a/x.rs MAINTAINERS
	expect '' "$(manifest lib.rs a/x.rs a/y.rs b/c MAINTAINERS)"
	a_patch 02-two gone.rs
	expect 'error: 02-two: gone.rs is no file of the series any more' \
		"$(manifest lib.rs a/x.rs b/c || true)"
	sed -i "s/^Because.*/$(printf 'x%.0s' {1..76})/" patches/01-one
	a_patch 02-two MAINTAINERS
	expect 'error: 01-one:4: longer than 75 characters' "$(manifest lib.rs a/x.rs b/c MAINTAINERS || true)"
}

# pruned: takes out of the crate in lib/ what rustc has to say of it.
pruned() {
	cat >prune.py <<-'END'
		import os, sys
		sys.path.insert(0, sys.argv[1])
		from series_prune import Failure, Pruner, rustc
		folder = os.path.realpath("lib")
		try:
		    Pruner(folder, lambda line: None).run(rustc(
		        ["rustc", "--edition=2021", "--crate-type=lib", "--error-format=json", "-Wunreachable_pub",
		         "--emit=metadata=" + os.path.realpath("x.rmeta"), folder + "/x.rs"], folder))
		except Failure as failure:
		    sys.exit("error: " + str(failure).split("\n")[0])
	END
	python3 -B prune.py "$TOOLS/lib"
}

test_series_takes_out_what_needs_a_missing_file() {
	mkdir -p lib/low
	# `high` is not there.
	cat >lib/x.rs <<-'END'
		//! A crate.
		mod high;
		mod low;

		pub use self::{
		    high::{
		        Roof, //
		    },
		    low::Floor, //
		};

		use low::ffi;

		/// Starts.
		pub fn init() {
		    ffi::first();
		    high::init();
		}

		/// Builds the roof.
		///
		/// It needs one.
		#[inline]
		pub fn roof() -> Roof {
		    Roof::new(ffi::second())
		}
	END
	printf 'pub(crate) mod ffi;\n\n/// A floor.\npub struct Floor;\n' >lib/low.rs
	cat >lib/low/ffi.rs <<-'END'
		//! Functions.

		use core::mem::{
		    align_of,
		    size_of, //
		};

		/// The first one.
		pub(crate) fn first() -> usize {
		    align_of::<u8>()
		}

		/// The second one, for
		/// the roof.
		pub(crate) fn second() -> usize {
		    third().wrapping_add(1)
		}

		// For the second one.
		#[inline]
		fn third() -> usize {
		    size_of::<u16>()
		}
	END
	pruned
	cat >wanted.x <<-'END'
		//! A crate.
		mod low;

		pub use self::low::Floor;

		use low::ffi;

		/// Starts.
		pub fn init() {
		    ffi::first();
		}
	END
	diff wanted.x lib/x.rs
	cat >wanted.ffi <<-'END'
		//! Functions.

		use core::mem::align_of;

		/// The first one.
		pub(crate) fn first() -> usize {
		    align_of::<u8>()
		}
	END
	diff wanted.ffi lib/low/ffi.rs
}

test_series_says_what_it_cannot_take_out() {
	mkdir lib
	printf '//! A crate.\n/// Adds.\npub fn add() -> u8 {\n    "x"\n}\n' >lib/x.rs
	expect_error 'mismatched types' pruned
}

test_series_takes_c_helpers_out() {
	sed 's/^    /\t/' >helpers.c <<-'END'
		// SPDX-License-Identifier: GPL-2.0
		/*
		 * Helpers.
		 */

		#include <linux/x.h>

		/* Of two. */
		static bool shared(void)
		{
		    return true;
		}

		/*
		 * The first one, for
		 * some.
		 */
		bool helper_first(int x)
		{
		    return shared();

		    /* } */
		}
		EXPORT_SYMBOL_GPL(helper_first);

		static DEFINE_PER_CPU(int, counter);

		struct helper_pair helper_second(void *a,
		    			int b)
		{
		    return counter;
		}
		EXPORT_SYMBOL_GPL(helper_second);
	END
	# c_without USED: what is left.
	c_without() {
		python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); from series_prune import pruned_c
print(pruned_c(open("helpers.c").read(), {sys.argv[2]}), end="")' "$TOOLS/lib" "$1"
	}
	c_without helper_first >first.c
	diff first.c <(sed -n 1,24p helpers.c)
	c_without helper_second >second.c
	diff second.c <(sed -e 8,25d helpers.c)
	c_without nothing >none.c
	expect '#include <linux/x.h>' "$(tail -n 1 none.c)"
}

test_series_takes_objects_out() {
	cat >Kbuild <<-'END'
		obj-$(CONFIG_A) += a.o
		a-y := $(lib)/a.o $(lib)/sys/gone.o $(lib)/sys/there.o

		a-$(CONFIG_B) += $(lib)/sys/gone.o

		b-y += kunit/there.o
		b-$(CONFIG_B) += kunit/gone.o
		b-y += $(addprefix bench/,gone.o)
	END
	python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); from series_prune import pruned_objects
print(pruned_objects(open("Kbuild").read(), lambda source: not source.endswith("gone")), end="")' \
		"$TOOLS/lib" >left
	diff left - <<-'END'
		obj-$(CONFIG_A) += a.o
		a-y := $(lib)/a.o $(lib)/sys/there.o

		b-y += kunit/there.o
		b-y += $(addprefix bench/,gone.o)
	END
}
