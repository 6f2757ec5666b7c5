"""Entry points that the client's Kubernetes manifests call by name."""
