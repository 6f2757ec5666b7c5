"""A plugin for pytest that runs the client's own tests against one coordinator, and a random few of them.

The client's tests start a coordinator for each session; GSC_SUITE_ADDR names the one that they get instead. Of the
collected tests GSC_SUITE_COUNT are kept, chosen with GSC_SUITE_SEED: the same seed keeps the same tests.
"""

import gc
import os
import random

from graphscope.client.session import Session

connect = Session._connect


def connect_to_ours(session):
    if session._config.coordinator.endpoint is None:
        session._config.coordinator.endpoint = os.environ["GSC_SUITE_ADDR"]
    return connect(session)


Session._connect = connect_to_ours


def pytest_collection_modifyitems(config, items):
    count = min(int(os.environ["GSC_SUITE_COUNT"]), len(items))
    chosen = set(random.Random(int(os.environ["GSC_SUITE_SEED"])).sample(range(len(items)), count))
    config.hook.pytest_deselected(items=[item for index, item in enumerate(items) if index not in chosen])
    # In their order: tests of one class share what is costly to make.
    items[:] = [item for index, item in enumerate(items) if index in chosen]


def pytest_collection_finish(session):
    # The client collects garbage before every request. What exists now would cost 75-170 ms each time.
    gc.collect()
    gc.freeze()
