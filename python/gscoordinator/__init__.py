"""The name under which the GraphScope client looks for a coordinator.

``graphscope.session(cluster_type="hosts")`` runs ``python -m gscoordinator``; this package hands that call to the
native binary. Importing it costs nothing: the client imports it only to learn whether it is there.
"""

# The release of the client that the coordinator serves, not a version of the coordinator itself.
__version__ = "0.29.0"
