import AdminEndpoint
import Foundation

extension AdminAddress {
  /// Reads `host:port`, `[host]:port` or `unix:path`.
  /// - Throws: `ConfigurationError`.
  init(parsing text: String) throws(ConfigurationError) {
    if text.hasPrefix("unix:"), text.count > 5 {
      self = .unix(path: String(text.dropFirst(5)))
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65535).contains(port)
    else { throw ConfigurationError("--address wants host:port or unix:/path, but was given '\(text)'") }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/?#@\\[]%".utf8.contains($0) }
    guard !host.isEmpty, isName else {
      throw ConfigurationError("--address wants host:port or unix:/path, but was given '\(text)'")
    }
    self = .tcp(host: host, port: port)
  }
}

/// Where a coordinator of this configuration answers operators.
/// - Throws: `ConfigurationError` when its workspace is temporary, and can be found by nobody.
func defaultAdminAddress(
  _ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment
) throws(ConfigurationError) -> AdminAddress {
  guard let workspace = WorkspaceChoice(settings, environment: environment).path else {
    throw ConfigurationError(
      "the workspace of a coordinator on port 0 is temporary. Say where it answers operators: --address unix:/path or "
        + "--address host:port, as its log tells, or --workspace")
  }
  return adminSocket(of: workspace)
}

/// The Unix socket of the coordinator that has a workspace: in it, or below /tmp where its path would be too long for a
/// socket.
func adminSocket(of workspace: String) -> AdminAddress {
  let path = workspace + "/admin.sock"
  guard path.utf8.count > AdminAddress.maximumPathBytes else { return .unix(path: path) }
  // FNV-1a, 64 bits (RFC 9923): the same in every process.
  let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  return .unix(path: "/tmp/gscoordinator-\(getuid())-\(String(hash, radix: 36)).sock")
}
