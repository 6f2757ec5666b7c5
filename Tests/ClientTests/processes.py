"""Processes of the machine as tests look at them: one that ends while it is looked at has no name and no arguments."""

import psutil

ENDED = (psutil.NoSuchProcess, psutil.AccessDenied)


def alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except ENDED:
        return False


def name(process):
    try:
        return process.name()
    except ENDED:
        return ""


def arguments(process):
    try:
        return process.cmdline()
    except ENDED:
        return []


def users(process):
    """Its real, effective and saved user, as a set."""
    try:
        return set(process.uids())
    except ENDED:
        return set()


def below(coordinator):
    """The living processes that descend from a coordinator."""
    return list(filter(alive, psutil.Process(coordinator.process.pid).children(recursive=True)))


def of(user):
    """The living processes of a user."""
    return [process for process in psutil.process_iter() if user in users(process) and alive(process)]


def names(processes):
    return [name(process) for process in processes]
