"""``python -m gscoordinator.hook.prestop``: run by Kubernetes before it stops the coordinator's container.

There is nothing to do here. The native coordinator releases what it created when the SIGTERM that follows reaches it.
"""
