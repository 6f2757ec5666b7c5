import argparse
import contextlib
import os
import platform
import tempfile

from . import (
    counts, estimate, heartbeat, idle, job, journal, learning, native, recovery, scheduling, sessions, start, step,
    store, transport,
)
from .report import table

MEASUREMENTS = {
    module.__name__.rpartition(".")[2]: module.measure
    for module in (start, heartbeat, step, job, store, journal, recovery, idle, sessions, scheduling, estimate, counts, learning)
}
# Measured only on request: they need an environment with GraphScope's engines, and another binary.
NAMED = {"native": native.measure, "transport": transport.measure}


def processor():
    with open("/proc/cpuinfo") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else platform.machine()


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh")
    parser.add_argument("what", nargs="*", help=" ".join(MEASUREMENTS | NAMED))
    parser.add_argument("--no-peer", action="store_true", help="leave the Python coordinator out")
    arguments = parser.parse_args()
    unknown = set(arguments.what) - set(MEASUREMENTS | NAMED)
    if unknown:
        parser.error(f"{', '.join(unknown)}: none of {', '.join(MEASUREMENTS | NAMED)}")
    peer = None if arguments.no_peer else os.environ["GSC_PEER_PYTHON"]
    rows = []
    with tempfile.TemporaryDirectory(prefix="gscoordinator-benchmarks.") as directory:
        for name in arguments.what or MEASUREMENTS:
            with contextlib.ExitStack() as cleanup:
                rows += (MEASUREMENTS | NAMED)[name](directory, peer, cleanup)
    print(f"\nMeasured on {processor()}, Linux {platform.release()}; median (smallest to largest).\n")
    print(table(rows))


if __name__ == "__main__":
    main()
