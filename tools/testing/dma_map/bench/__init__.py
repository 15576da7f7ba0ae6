# SPDX-License-Identifier: GPL-2.0
"""`make bench`: what an operation costs in Rust, held against the same operation in C.

Documentation/dma_map/performance.rst tells how it is measured. One way through the files:
machines and plan say what to boot and what to run, boots does it, rounds reads what the guest
said, figures and results make numbers of it, tables, plots and archive show them, and baseline
holds them against the recorded ones.
"""
