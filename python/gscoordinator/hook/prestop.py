"""``python -m gscoordinator.hook.prestop``: run by Kubernetes before it stops the coordinator's container.

Does nothing: the native coordinator releases everything that it created when it receives the SIGTERM that follows.
"""
