import AdminEndpoint
import Foundation
import HTTPServing
import ServerConfiguration

extension HTTPAddress {
  /// Parses `host:port`, `[host]:port` or `unix:path`.
  /// - Throws: `ConfigurationError`.
  init(parsing text: String) throws(ConfigurationError) {
    if text.hasPrefix("unix:"), text.count > 5 {
      self = .unix(path: String(text.dropFirst(5)))
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65535).contains(port)
    else { throw ConfigurationError("--address is '\(text)', but must be host:port, https://host:port or unix:/path") }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/?#@\\[]%".utf8.contains($0) }
    guard !host.isEmpty, isName else {
      throw ConfigurationError("--address is '\(text)', but must be host:port, https://host:port or unix:/path")
    }
    self = .tcp(host: host, port: port)
  }
}

/// Returns the address of the admin endpoint of a coordinator with this configuration.
/// - Throws: `ConfigurationError` when its workspace is temporary, so that the address cannot be determined.
func defaultAdminAddress(
  _ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment
) throws(ConfigurationError) -> HTTPAddress {
  guard let workspace = WorkspaceChoice(settings, environment: environment).path else {
    throw ConfigurationError(
      "a coordinator on port 0 has a temporary workspace, so the address of its admin endpoint is not known. Give the address "
        + "that its log shows (--address unix:/path or --address host:port), or --workspace")
  }
  return HTTPAddress.socket(ofWorkspace: workspace)
}
