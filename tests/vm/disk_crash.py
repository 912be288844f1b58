#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""disk_crash.py - what is on a disk with a cache of its own, after a loss of power?

  disk_crash.py BEFORE LOG AFTER

BEFORE is the disk's image before the machine was started, LOG what 'run.sh -w' recorded since. AFTER gets
all writes up to the last flush that has ended, and of each later one, at random, all, nothing, or some sectors.
Prints how many writes were whole and how many were not.
"""
import random
import shutil
import struct
import sys

FLUSH, FUA, DISCARD = 1, 2, 4
MAGIC = 0x6A736677736872


def entries(log):
    """The log's entries in order: (flags, first byte, data). What is discarded may be zeros."""
    magic, version, _, sector = struct.unpack("<QQQL", log[:28])
    if magic != MAGIC or version != 1:
        sys.exit("disk_crash.py: this is no log of writes")
    at = sector
    while at + sector <= len(log):
        first, count, flags = struct.unpack("<QQQ", log[at : at + 24])
        at += sector
        if (first, count, flags) == (0, 0, 0):
            continue  # QEMU was killed before it wrote this, and after it wrote what follows
        size = 0 if flags & DISCARD else count * sector
        if flags & ~(FLUSH | FUA | DISCARD):
            sys.exit(f"disk_crash.py: no entry of the log at {at - sector}")
        yield flags, first * sector, log[at : at + size] or bytes(count * sector)
        at += size


def main():
    before, log_path, after = sys.argv[1:]
    with open(log_path, "rb") as f:
        log = list(entries(f.read()))
    flushed = max((i for i, e in enumerate(log) if e[0] & FLUSH), default=0)
    whole = torn = 0
    shutil.copyfile(before, after)
    with open(after, "r+b") as disk:
        for i, (flags, at, data) in enumerate(log):
            chance = 1 if i < flushed or flags & FUA else random.choice((0, 0.5, 1))
            kept = 0
            for n in range(0, len(data), 512):
                if random.random() < chance:
                    disk.seek(at + n)
                    disk.write(data[n : n + 512])
                    kept += 512
            whole += kept >= len(data)
            torn += kept < len(data)
    print(f"{whole} writes are on the disk, {torn} are not or in part")


main()
