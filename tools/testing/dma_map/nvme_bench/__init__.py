# SPDX-License-Identifier: GPL-2.0
"""`make bench-nvme`: what an I/O costs with our NVMe driver, held against the one in C.

Documentation/dma_map/nvme-speed.rst tells how it is measured. One way through the files: plan says
what to run, machine what to boot, record reads what guest and QEMU said, figures makes numbers of it,
tables and plots show them, and command does all that.
"""
