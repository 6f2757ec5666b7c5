"""Instructions and allocations of a HeartBeat, a small RunStep and a decision of the scheduler, counted by callgrind."""

import os
import pathlib
import sys

from . import servers
from .report import Row

sys.path.append(os.path.join(servers.HERE, "..", "Tests", "ClientTests"))


def measure(directory, peer, cleanup):
    import counting

    directory = pathlib.Path(directory, "counts")
    directory.mkdir()
    found = counting.count_calls(directory)
    found["decision"] = counting.count_decision(directory, os.environ["GSC_SCHEDULER_BENCHMARK"])
    return [
        Row(f"{name}: {what}", "", [count])
        for name, both in found.items()
        for what, count in zip(("instructions", "allocations"), both)
    ]
