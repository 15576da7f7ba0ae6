# SPDX-License-Identifier: GPL-2.0
#
# What a driver outside this checkout needs to use the library. Its Kbuild:
#
#	obj-m := my_driver.o
#	include /path/to/dma_map/driver.mk
#
# and then, with the compilers that the kernel in KDIR was built with:
#
#	/path/to/dma_map/tools/dma_map/devenv run make -C KDIR M=$(pwd -P) [LLVM=1]
#
# Documentation/dma_map/first-hour.rst has the commands for each kernel. Where the
# package dma-map-dev is installed, it is
#
#	include /usr/share/dma_map/driver.mk
#
# and make -C "$(dma-map-driver kdir)" M=$PWD.
#
# The library must have been built for the same kernel, by `make modules`, and is
# loaded first: dma_map.ko.
#
# kbuild reads this twice: for the compiler's flags, and for modpost's symbols.

DMA_MAP_DIR := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

# What the kernel was built with says its configuration, not who calls make.
dma_map-llvm := $(if $(CONFIG_CC_IS_CLANG),1)

# Where `make modules` has put the library for this kernel. If it has not yet, it
# will be build/gcc, or build/llvm with LLVM=1.
dma_map-for = $(filter $(realpath $(objtree)),$(shell readlink -m $(DMA_MAP_DIR)/build/$(1).kernel))
dma_map-names := stock gcc llvm $(notdir $(basename $(wildcard \
	$(addprefix $(DMA_MAP_DIR)/build/,stock-*.kernel *-bench.kernel any-*.kernel))))
dma_map-builds := $(foreach build,$(dma_map-names),$(if $(call dma_map-for,$(build)),$(build)))
# The package dma-map-dev has it beside the kernel's metadata.
dma_map-beside := $(if $(wildcard $(realpath $(objtree))/../library.kernel),$(realpath $(objtree)/../library))
dma_map-built := $(DMA_MAP_DIR)/build/$(firstword $(dma_map-builds) $(if $(dma_map-llvm),llvm,gcc))
DMA_MAP_BUILD ?= $(or $(dma_map-beside),$(dma_map-built))

# The kernel that it was built for, as tools/dma_map/modules notes it: it need
# not exist any more.
dma_map-kernel := $(shell readlink -m $(DMA_MAP_BUILD).kernel)
dma_map-make := make -C $(DMA_MAP_DIR) modules KDIR=$(realpath $(objtree))$(if $(dma_map-llvm), LLVM=1)
dma_map-missing := dma_map is not built yet: run $(dma_map-make)
dma_map-devenv := run make through $(DMA_MAP_DIR)/tools/dma_map/devenv run
# Installed by that package, this file is no part of a checkout.
ifeq ($(DMA_MAP_DIR),/usr/share/dma_map)
dma_map-missing := $(realpath $(objtree)) has no Rust metadata: build in the directory that dma-map-driver kdir prints
dma_map-devenv := use Debian's rustc, whose /usr/bin has to come first in PATH
endif

# `make clean` needs no library.
ifeq ($(filter %/Makefile.clean,$(MAKEFILE_LIST)),)
# The compilers that are here, beside those of the kernel's configuration. Another
# rustc fails on an "unknown unstable option", or on the metadata.
dma_map-cc := $(if $(findstring clang,$(shell LC_ALL=C $(CC) --version 2>/dev/null | head -n 1)),1)
dma_map-rustc := $(shell $(RUSTC) --version 2>/dev/null)
ifneq ($(dma_map-cc),$(dma_map-llvm))
$(error the kernel in $(realpath $(objtree)) was built with $(if $(dma_map-llvm),clang: add LLVM=1,gcc: leave LLVM=1 out))
endif
ifneq ($(subst ",,$(CONFIG_RUSTC_VERSION_TEXT)),$(dma_map-rustc))
$(error the kernel in $(realpath $(objtree)) was built with $(subst ",,$(CONFIG_RUSTC_VERSION_TEXT)), and \
	here is $(or $(dma_map-rustc),no rustc): $(dma_map-devenv))
endif
ifeq ($(wildcard $(DMA_MAP_BUILD)/rust/dma_map/libdma_map.rmeta),)
$(error $(dma_map-missing))
endif
ifneq ($(filter-out $(realpath $(objtree)),$(dma_map-kernel)),)
$(error dma_map was built for the kernel in $(dma_map-kernel): run $(dma_map-make))
endif
endif

# What was compiled with metadata that has changed since would not load.
ifneq ($(and $(filter %/Makefile.build,$(MAKEFILE_LIST)),$(obj-m)),)
$(addprefix $(obj)/,$(sort $(obj-m) $(foreach m,$(obj-m:.o=),$($(m)-y)))): \
	$(DMA_MAP_BUILD)/rust/dma_map/libdma_map.rmeta
endif

rustflags-y += -L $(DMA_MAP_BUILD)/rust/dma_map --extern dma_map
KBUILD_EXTRA_SYMBOLS += $(DMA_MAP_BUILD)/Module.symvers
