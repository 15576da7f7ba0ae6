# SPDX-License-Identifier: GPL-2.0
#
# What a person types. kbuild never reads this file: given M=, it takes Kbuild.
# Each target is one line to a script that can be run without make as well.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

export LLVM BENCH KERNEL KDIR KBUILD_MODPOST_WARN ACCEL V QUICK FORCE DMA_MAP_CACHE DMA_MAP_MIRROR
export MODULES FILES QEMU_ARGS APPEND VARIANT JUNIT
# Elapsed times count from here, also in what the targets start.
export DMA_MAP_T0 := $(or $(DMA_MAP_T0),$(shell date +%s))

T := tools/dma_map

define HELP
make run           the demo: set everything up, boot Debian's own kernel in QEMU, move messages
                   by DMA
make run KERNEL=test  the same on the kernel of the tests, which is built first (LLVM=1, BENCH=1
                   and KDIR= say so too)
make shell         the same guest, to an interactive prompt with the modules loaded
make top           the same guest, with the demo running and a live view of what is mapped
make trace         the demo with the kernel's dma: events recorded: a table, and what was mapped over
                   time as an SVG; with MODULES= your own module
make run MODULES=/path/my.ko  your own module instead of the demo, after dma_map.ko; make shell takes
                   the same variables

make driver NAME=foo DIR=../foo  write a new driver, for QEMU's edu device, with a KUnit suite and what CI
                   needs; there: make, make run, make test

make bench         what an operation costs in Rust and in C, in instructions and in time
make bench QUICK=1 the same in 3 minutes: fewer rounds, scaling in instructions only
make bench-check   the instructions against the recorded ones (part of test)
make bench-bless   record the instructions anew
make bench-nvme    what an I/O costs with the NVMe driver and with the one in C, in instructions and in
                   time, on Debian's kernel (as root); QUICK=1 for fewer workloads;
                   PATHS="direct iommu-strict", WORKLOADS="read-4k-32 ...", CLOCKS=counted or timed for
                   some of it; DRIVERS="c c" compares C with itself
make nvme-table    write the tables and plots of Documentation/dma_map/nvme-speed.rst from that

make test          every test (CI runs this with and without LLVM=1, which leaves out
                   what does not depend on the C compiler); TESTS="stock driver" for some of:
                   scripts harness unwatched stock disks tutorial driver configs bench
make kunit         the KUnit suites
make kunit MODULES=/path/my.ko  those of your own module
make kunit-unwatched  the same on the kernel without debugging (part of test, but for LLVM=1 and KDIR)
make compile-fail  wrong code must not compile
make test-misuse   each class of misuse is closed; C's dma-debug complains of it
make code-size     the benchmark's loops in C and in Rust, in bytes of machine code
make stock         the demo and a driver outside the tree on Debian's kernel (part of test
                   with gcc)
make disks         the disks of the NVMe driver on Debian's kernel, which the kernel's own driver
                   reads and writes, too: patterns, ext4, fio, nvme-cli, resets, unbinding, power
                   cuts (part of test with gcc)
make survival      the same at length: 1,000 unbinds, 200 resets, 50 removals and 20 power cuts
                   (about 40 minutes)
make test-tutorial  the tutorial's drivers, one for each step, and its mistakes: built, and booted on
                   Debian's kernel (part of test with gcc)
make test-driver   make driver, for three devices; the results are built and booted (part of test
                   with gcc)
make deb           Debian 13 packages in build/deb: the modules for Debian's kernel, what DKMS builds
                   them from for its next versions, and what drivers of others need
make test-deb      installs them in a fresh Debian 13, writes a driver there, boots it, and lets DKMS
                   build the modules (as root; 20 minutes on 2 busy cores, 630 MB of downloads)
make configs       the modules against many kernel configurations, of which only the Rust metadata
                   is built, two inside a kernel tree, and Debian's cloud and rt kernels, booted
                   (about 5 minutes each); NAMES="no-smp cfi" for some, tools/dma_map/configs
                   --list names them
make configs-table  write the results that there are into Documentation/dma_map/configs.txt
make configs-ci    the two that have most of the others in them (part of test with gcc)
make matrix        the demo under swiotlb, IOMMU and different RAM sizes
make selftest      the tests of the scripts and of the harness: recorded logs, no boot
tools/dma_map/harness --help   the parts of test one by one: a variant, a case, a model
make check         style, lints and rules: what must hold before a commit
make format        format the Rust files
make bless         record the compiler's messages of the compile-fail cases anew
make misuse-table  write Documentation/dma_map/misuse.rst anew
make performance-table  write the tables of Documentation/dma_map/performance.rst anew

make settings      check the variables only
make env           the toolchain: packages on Debian 13, else a private Debian 13 root
make kernel        fetch and build the kernel
make modules       build the modules into build/gcc (build/llvm, build/gcc-bench ...)
make bench-modules the same for the kernel that is measured
make stock-modules  the library and the sample for Debian's kernel
make bench-module  of those, the library and the benchmark only
make tools         build the modules and the user-space tools
make doc           the documentation as one local site, build/doc/index.html: the pages by the
                   kernel's Sphinx, the API with the kernel's crates by rustdoc
make rust-analyzer DIR=DIR  write rust-project.json for an editor, here or in DIR, a driver
                   outside of this checkout
make devshell      a shell in the toolchain environment
make info          what the environment is, and its versions

make overlay TREE=DIR    put the layer into a kernel source tree, for Kconfig, kbuild, kunit.py
make unoverlay TREE=DIR  take it out again: byte for byte what it was (FORCE=1: with your changes)
make series TREE=DIR OUT=DIR  write the layer as patches for git am, against that tree (default: the
                   pinned source, into build/series/patches)
make series-check  apply those, run checkpatch.pl on each, and build the modules after each
                   (about 30 minutes; what was built once is not built again)
make kunit-tree    the KUnit suites built in, in a tree of its own, by the kernel's kunit.py

make clean         remove build/
make distclean     also remove roots, kernel source and kernel builds from the cache

NAME=foo DIR=DIR   driver: the module's name, and a new directory outside of this checkout
BUS=pci|platform IDS=...  driver: another device, such as IDS=1b36:0006 or BUS=platform IDS=QEMU0002
LLVM=1             clang and Rust-inlined C helpers with KASAN, instead of gcc
KERNEL=stock|test  Debian's own kernel, unmodified, or that of the tests (default: test, but stock
                   for run, shell, doc and rust-analyzer); stock-cloud and stock-rt are Debian's other
                   kernels
BENCH=1            the kernel without debugging that is measured, instead of that of the tests
KDIR=DIR           a kernel of yours: a build directory, built with this environment's rustc
ACCEL=kvm          run the guest on KVM (default: tcg, which works everywhere)
MODULES="FILE.ko ..."  run, shell, kunit: modules of yours, which the guest loads after dma_map.ko
FILES="FILE ..."   run, shell: files for the guest, in /files; run starts the first one that ends in
                   .sh, and exits with its status
QEMU_ARGS="..."    run, shell: more arguments for QEMU; with MODULES, instead of -device edu
VARIANT=NAME       run, shell: the machine, such as iommu-strict (tools/dma_map/harness --help)
APPEND="..."       run, shell: more for the kernel's command line
JUNIT=FILE.xml     kunit with MODULES: write the results there, too
V=1                show the build's commands
DMA_MAP_CACHE=DIR  where all that is made once is kept (default: ~/.cache/dma_map, 8 GB)
DMA_MAP_MIRROR=URL the Debian mirror, if not the one that apt is configured with
endef

.PHONY: help
help: ; $(info $(HELP)) @:

.PHONY: run shell top trace kunit compile-fail bless matrix test-misuse misuse-table
run shell top trace kunit matrix test-misuse test: export DMA_MAP_BOOTS := 1
# The library and the sample only: half of the suites' build time is more than the rest.
run shell top trace: export DMA_MAP_CLIENTS := edu
# Debian's own kernel needs no build, so it is there first.
run shell top trace: export KERNEL := $(or $(KERNEL),$(if $(LLVM)$(BENCH)$(KDIR),test,stock))
run: modules
	@$(T)/harness $(if $(MODULES)$(FILES),boot,demo)
shell top trace: modules
	@$(T)/harness $@
# The suites of somebody's module need no suites of ours.
kunit: export DMA_MAP_CLIENTS := $(or $(if $(MODULES),edu),$(DMA_MAP_CLIENTS),edu kunit bench)
kunit: $(if $(MODULES),modules,tools)
	@$(T)/harness kunit
compile-fail: modules
	@$(T)/harness compile-fail
bless: modules
	@$(T)/harness compile-fail --bless
matrix: tools
	@$(T)/harness matrix
test-misuse: tools
	@$(T)/harness misuse
misuse-table: env
	@$(T)/devenv run tools/testing/dma_map/misuse_table.py

# Debian's own kernel.
.PHONY: stock stock-modules test-tutorial disks survival
stock stock-modules test-tutorial disks survival: export KERNEL := stock
stock stock-modules test-tutorial disks survival: export DMA_MAP_CLIENTS := edu nvme
stock-modules: env
	@$(T)/kernel build
	@$(T)/modules
stock: stock-modules
	@$(T)/harness stock
test-tutorial: stock-modules
	@$(T)/harness tutorial
disks survival: stock-modules
	@$(T)/harness $@

# Somebody else's driver.
.PHONY: driver test-driver
driver: export NAME := $(NAME)
driver: export DIR := $(DIR)
driver: export BUS := $(BUS)
driver: export IDS := $(IDS)
driver:
	@$(T)/driver new
test-driver: stock-modules
	@$(T)/driver_test

# Packages for Debian 13.
.PHONY: deb test-deb
deb: stock-modules
	@KERNEL=stock $(T)/doc
	@$(T)/deb
test-deb: deb
	@$(T)/deb_test

# Other configurations. Nothing is loaded but where Debian has an image.
.PHONY: configs configs-ci configs-table
configs: env
	@$(T)/configs $(NAMES)
configs-ci: env
	@$(T)/configs least most
configs-table:
	@$(T)/configs --table

# The kernel without debugging, and what is built for it.
.PHONY: bench bench-check bench-bless bench-modules performance-table code-size kunit-unwatched
bench bench-check bench-bless bench-modules kunit-unwatched: export BENCH := 1
# The suites, which take long to build, are not measured.
.PHONY: bench-module
bench-module: export BENCH := 1
bench-module: export DMA_MAP_CLIENTS := bench
bench-module bench-modules: env
	@$(T)/kernel build
	@$(T)/modules
bench: bench-module
	@DMA_MAP_COMMIT=$$(git describe --always --dirty --abbrev=12 2>/dev/null) $(T)/harness bench
bench-check: bench-module
	@$(T)/harness bench-check
bench-bless: bench-module
	@$(T)/harness bench-bless
	@$(MAKE) performance-table
kunit-unwatched: bench-modules
	@$(T)/harness kunit-unwatched
performance-table: env
	@$(T)/devenv run tools/testing/dma_map/performance_table.py
code-size: bench-module
	@$(T)/devenv run $(T)/code_size

# The NVMe driver, against Debian's.
.PHONY: bench-nvme nvme-table
bench-nvme: export KERNEL := stock
bench-nvme: export DMA_MAP_CLIENTS := nvme
bench-nvme: export DMA_MAP_NVME_PATHS := $(PATHS)
bench-nvme: export DMA_MAP_NVME_WORKLOADS := $(WORKLOADS)
bench-nvme: export DMA_MAP_NVME_CLOCKS := $(CLOCKS)
bench-nvme: export DMA_MAP_NVME_DRIVERS := $(DRIVERS)
bench-nvme: env
	@$(T)/kernel build
	@$(T)/modules
	@DMA_MAP_COMMIT=$$(git describe --always --dirty --abbrev=12 2>/dev/null) $(T)/harness bench-nvme
nvme-table: env
	@$(T)/devenv run tools/testing/dma_map/nvme_table.py

.PHONY: test check format selftest
# What depends on the C compiler is run with each. Debian's kernel and other
# configurations have their own; what is recorded are the pinned kernel's instructions.
TESTS ?= $(if $(LLVM),,scripts) harness $(if $(KDIR)$(LLVM),,unwatched stock disks tutorial driver configs) $(if $(KDIR),,bench)
test.scripts = $(T)/devenv run $(T)/selftest/run
test.harness = $(T)/harness all
test.unwatched = BENCH=1 $(T)/harness kunit-unwatched
test.stock = KERNEL=stock $(T)/harness stock
test.disks = KERNEL=stock $(T)/harness disks
test.tutorial = KERNEL=stock $(T)/harness tutorial
test.driver = $(T)/driver_test
test.configs = $(T)/configs least most
test.bench = BENCH=1 $(T)/harness bench-check
tests-known := scripts harness unwatched stock disks tutorial driver configs bench
$(if $(filter test,$(MAKECMDGOALS)),$(foreach t,$(filter-out $(tests-known),$(TESTS)),$(error TESTS=$(t) is not one of: $(tests-known))))
test: env $(if $(filter harness,$(TESTS)),tools) \
	$(if $(filter unwatched,$(TESTS)),bench-modules,$(if $(filter bench,$(TESTS)),bench-module)) \
	$(if $(filter stock disks tutorial driver,$(TESTS)),stock-modules)
	@$(T)/tally $(foreach t,$(TESTS),$(t) "$(test.$(t))")
check: modules
	@$(T)/devenv run $(T)/check/run
format: env
	@$(T)/devenv run rustfmt --config-path .rustfmt.toml \
		$(shell find Documentation rust drivers tools -name '*.rs' ! -name '*_generated.rs')
selftest: kernel
	@$(T)/tally scripts "$(T)/devenv run $(T)/selftest/run" harness "$(T)/harness selftest"

.PHONY: settings env kernel modules tools doc rust-analyzer devshell info
# First of all: what can't be had is refused before anything is built.
settings:
	@$(T)/settings
env: settings
	@$(T)/devenv setup
kernel: env
	@$(T)/kernel build
modules: kernel
	@$(T)/modules
tools: modules
	@$(T)/user_tools
# The library's metadata is all that this takes.
doc: export DMA_MAP_CLIENTS := edu
doc rust-analyzer: export KERNEL := $(or $(KERNEL),$(if $(LLVM)$(BENCH)$(KDIR),test,stock))
doc: modules
	@$(T)/doc
rust-analyzer: kernel
	@$(T)/rust_analyzer $(DIR)
devshell:
	@$(T)/devenv shell
info:
	@$(T)/devenv info

# A kernel tree that the layer is laid over. Not KERNEL=, which says which kernel is booted.
.PHONY: overlay unoverlay kunit-tree
overlay:
	@$(T)/overlay add "$(TREE)"
unoverlay:
	@$(T)/overlay remove "$(TREE)"
kunit-tree: env
	@$(T)/kunit_tree

# Patches for git am.
.PHONY: series series-check
series series-check: modules
series:
	@$(T)/series make "$(TREE)" "$(OUT)"
series-check:
	@$(T)/series check "$(OUT)"

.PHONY: clean distclean
clean:
	rm -rf build
distclean: clean
	@$(T)/devenv remove
