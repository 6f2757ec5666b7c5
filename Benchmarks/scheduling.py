"""Decisions of the scheduler, and the divergence of shares: see Benchmarks/scheduler."""

import os
import subprocess

SIZES = [("10", "1000", "4"), ("1000", "20000", "50"), ("10000", "100000", "200"), ("shares", "500")]


def measure(directory, peer, cleanup):
    for arguments in SIZES:
        benchmark = os.environ["GSC_SCHEDULER_BENCHMARK"]
        print(subprocess.run([benchmark, *arguments], capture_output=True, text=True, check=True).stdout)
    return []
