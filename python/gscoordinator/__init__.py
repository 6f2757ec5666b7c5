"""The name under which the GraphScope client looks for a coordinator.

``graphscope.session(cluster_type="hosts")`` runs ``python -m gscoordinator``; this package hands that call to the
native binary. Importing it is cheap: the client imports it before it opens a connection.
"""

import os

# The release of the client that the coordinator serves, not a version of the coordinator itself.
__version__ = "0.29.0"

# While a coordinator starts, the client's calls fail at once, and between them only gRPC's backup poller drives its
# connection, by default every 5 seconds. The client would need 10 seconds to find a coordinator that is ready after
# 40 milliseconds, and 7 seconds to reconnect after a restart.
os.environ.setdefault("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "100")
