import GRPC
import Transport

/// The counters of the gRPC endpoint in Prometheus' text format.
enum EndpointMetrics {
  static func text(_ server: GRPCServer) -> String {
    let counts = server.refusalCounts
    var lines = ["# TYPE gscoordinator_refusals_total counter"]
    for kind in Refusal.allCases {
      lines.append("gscoordinator_refusals_total{kind=\"\(kind.rawValue)\"} \(counts[kind] ?? 0)")
    }
    let budget = server.messageBudget
    let held = [
      ("received", server.accounts.receivedBytes), ("queued", server.accounts.queuedBytes),
      ("in_flight", budget.bytes - budget.free),
    ]
    lines.append("# TYPE gscoordinator_held_bytes gauge")
    for (kind, bytes) in held { lines.append("gscoordinator_held_bytes{kind=\"\(kind)\"} \(bytes)") }
    lines += ["# TYPE gscoordinator_connections gauge", "gscoordinator_connections \(server.connectionCount)"]
    lines += ["# TYPE gscoordinator_peers gauge", "gscoordinator_peers \(server.accounts.peerCount)"]
    return lines.joined(separator: "\n") + "\n"
  }
}
