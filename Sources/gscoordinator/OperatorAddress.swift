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

/// Where a coordinator of this configuration answers operators: a Unix socket in its workspace.
func defaultAdminAddress(
  _ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment
) -> AdminAddress {
  if let workspace = settings.optionalText(.workspace) { return .unix(path: workspace + "/admin.sock") }
  return .unix(path: "\(environment["TMPDIR"] ?? "/tmp")/gscoordinator-\(getuid())/admin.sock")
}
