#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's emulated NVMe controller says that it has a volatile write cache, and takes
# no notice of FUA (Force Unit Access, bit 30 of command dword 12) in a Write or a
# Write Zeroes: the block layer below is asked for a plain write, and the command
# completes while nothing has been flushed. Linux writes the commits of ext4's journal
# by FUA, without a flush after them. So after a power cut of the host, or in a test
# that replays what a disk had to keep, commits that the guest was told of may be
# missing. A killed QEMU does not show that: the host's page cache outlives it.
#
# The block driver blklogwrites logs what the controller asks for. It has no FUA of its
# own, so QEMU's block layer makes of a write with that flag a write and a flush. The
# control shows that: with the cache switched off by Set Features, each write is of
# that kind, and the same log has the flush.
#
# Seen with qemu-system-x86 10.0 (Debian 13, 1:10.0.*). The script installs the package
# in a temporary root and drives the controller there by QEMU's qtest protocol: no
# guest runs, the processor is stopped. It fails if the log has something else than is
# said here.
set -euo pipefail

PIN=1:10.0.

[ "$(id -u)" = 0 ] || { echo "run this as root: it makes a temporary Debian root"; exit 2; }
command -v mmdebstrap >/dev/null || { echo "install the package mmdebstrap first"; exit 2; }

mirror=${DMA_MAP_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || { echo "set DMA_MAP_MIRROR to a Debian mirror's address"; exit 2; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf --one-file-system -- "$work"' EXIT
root=$work/root

echo "installing qemu-system-x86 and python3: a minute or more"
unshare --mount --propagation private \
	mmdebstrap --mode=root --variant=apt --architectures=amd64 --quiet \
	--aptopt='APT::Sandbox::User "root"' \
	--aptopt='Apt::Install-Recommends "false"' \
	--include=qemu-system-x86,python3-minimal trixie "$root" \
	"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main"

inside() { chroot "$root" "$@"; }

version=$(inside dpkg-query -W -f '${Version}' qemu-system-x86)
echo "qemu-system-x86 $version"
case $version in
"$PIN"*) ;;
*) echo "another version than $PIN*: look whether the behaviour is the same"; exit 1 ;;
esac

cat >"$root/drive.py" <<'END'
"""Prints what the log of writes gains by each command, a line "NAME: ENTRIES" for each."""
import atexit
import os
import struct
import subprocess
import time

DISK, LOG = "/disk", "/log"
# The node "raw" makes the flush of a write with FUA. Without it that would be the node of blklogwrites, and
# the log would lack such a flush when only this write came since the last one: QEMU makes the flush before
# it has counted the write, and leaves it out.
# Debian's QEMU has no accelerator "qtest"; "tcg" with "-S" runs nothing either.
QEMU = ["qemu-system-x86_64", "-machine", "q35", "-m", "64", "-accel", "tcg", "-S",
        "-qtest", "stdio", "-qtest-log", "none", "-nodefaults", "-no-user-config", "-display", "none",
        "-blockdev", "driver=raw,node-name=logged,file.driver=blklogwrites,"
        f"file.file.driver=file,file.file.filename={DISK},file.log.driver=file,file.log.filename={LOG}",
        "-device", "nvme,addr=4,serial=finding,drive=logged"]
BAR, DATA = 0xE0000000, 0x100000
FUA = 1 << 30  # of command dword 12
WRITE, WRITE_ZEROES, FLUSH = 1, 8, 0  # of the NVM command set
CREATE_SQ, CREATE_CQ, IDENTIFY, SET_FEATURES, GET_FEATURES = 1, 5, 6, 9, 10  # of an administrator
CACHE = 6  # the feature "volatile write cache"
DEPTH = 16

with open(DISK, "wb") as disk:
    disk.truncate(1 << 20)
with open(LOG, "wb"):
    pass
qemu = subprocess.Popen(QEMU, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
atexit.register(qemu.kill)


def tell(*words):
    """One command of qtest, and its answer."""
    qemu.stdin.write(" ".join(word if isinstance(word, str) else hex(word) for word in words) + "\n")
    qemu.stdin.flush()
    answer = qemu.stdout.readline().split()
    assert answer[:1] == ["OK"], f"{words}: {answer}"
    return answer[1] if answer[1:] else ""


def memory(at, size):
    return bytes.fromhex(tell("read", at, size)[2:])


def wait(what, done):
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, f"{what} took longer than 30 s"
        time.sleep(0.01)


class Queue:
    """A pair of queues, one command at a time."""

    def __init__(self, number):
        self.number, self.sent = number, 0
        self.entries, self.completions = 0x10000 * (2 * number + 2), 0x10000 * (2 * number + 3)

    def run(self, opcode, dword10=0, dword11=0, dword12=0, data=0, namespace=0):
        """Returns dword 0 of the completion."""
        slot, phase = self.sent % DEPTH, 1 - self.sent // DEPTH % 2
        command = struct.pack("<B x H I 16x Q 8x 6I", opcode, self.sent, namespace, data, dword10, dword11,
                              dword12, 0, 0, 0)
        tell("write", self.entries + 64 * slot, 64, "0x" + command.hex())
        self.sent += 1
        tell("writel", BAR + 0x1000 + 8 * self.number, self.sent % DEPTH)
        at = self.completions + 16 * slot
        wait(f"opcode {opcode}", lambda: memory(at, 16)[14] & 1 == phase)
        result, status = struct.unpack("<I 10x H", memory(at, 16))
        assert status >> 1 == 0, f"opcode {opcode}: status {status >> 1:#x}"
        tell("writel", BAR + 0x1004 + 8 * self.number, self.sent % DEPTH)
        return result


def configure(register, value):
    """A register of the function 00:04.0."""
    tell("outl", 0xCF8, 0x80000000 | 4 << 11 | register)
    tell("outl", 0xCFC, value)


seen = 512  # bytes of the log, its first block has no entry


def logged():
    """What the log has gained since the last call: "write", "flush", and "+fua" for that flag."""
    global seen
    names = []
    with open(LOG, "rb") as log:
        while seen + 512 <= os.path.getsize(LOG):
            log.seek(seen)
            _sector, count, flags, _length = struct.unpack("<4Q", log.read(32))
            names.append(("flush" if flags & 1 else "write") + ("+fua" if flags & 2 else ""))
            seen += 512 * (1 + count)
    return " ".join(names) or "nothing"


configure(0x10, BAR)
configure(0x14, 0)
configure(0x04, 6)  # memory space, bus master
admin, io = Queue(0), Queue(1)
tell("writel", BAR + 0x24, (DEPTH - 1) << 16 | (DEPTH - 1))
tell("writeq", BAR + 0x28, admin.entries)
tell("writeq", BAR + 0x30, admin.completions)
tell("writel", BAR + 0x14, 4 << 20 | 6 << 16 | 1)
wait("the controller", lambda: int(tell("readl", BAR + 0x1C), 16) & 1)
admin.run(CREATE_CQ, (DEPTH - 1) << 16 | 1, 1, data=io.completions)
admin.run(CREATE_SQ, (DEPTH - 1) << 16 | 1, 1 << 16 | 1, data=io.entries)

admin.run(IDENTIFY, 1, data=DATA)
print("cache:", memory(DATA + 525, 1)[0] & 1)
print("cache is on:", admin.run(GET_FEATURES, CACHE))
tell("memset", DATA, 512, 0x5A)
logged()
for name, opcode, dword12, data in (("Write", WRITE, 0, DATA), ("Write with FUA", WRITE, FUA, DATA),
                                    ("Write Zeroes with FUA", WRITE_ZEROES, FUA, 0), ("Flush", FLUSH, 0, 0)):
    io.run(opcode, dword12=dword12, data=data, namespace=1)
    print(f"{name}:", logged())
admin.run(SET_FEATURES, CACHE, 0)
print("cache is off:", 1 - admin.run(GET_FEATURES, CACHE))
logged()
io.run(WRITE, data=DATA, namespace=1)
print("Write, no cache:", logged())
END

inside timeout 120 python3 /drive.py >"$work/seen"

failed=0
check() { # WHAT EXPECTED NAME
	local seen
	seen=$(sed -n "s/^$3: //p" "$work/seen")
	printf '%-52s expected %-11s  seen %s\n' "$1" "$2" "$seen"
	[ "$2" = "$seen" ] || failed=1
}
check "Identify: the controller has a volatile write cache" 1 "cache"
check "Get Features: the cache is on" 1 "cache is on"
check "log of a Write" write "Write"
check "log of a Write with FUA" write "Write with FUA"
check "log of a Write Zeroes with FUA" write "Write Zeroes with FUA"
check "log of a Flush" flush "Flush"
check "after Set Features: the cache is off" 1 "cache is off"
check "log of a Write without FUA, the cache being off" "write flush" "Write, no cache"

[ "$failed" = 0 ] || { echo "the behaviour has changed"; exit 1; }
echo "as described"
