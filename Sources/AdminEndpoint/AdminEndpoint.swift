import Cluster
import Coordinator
import Hummingbird
