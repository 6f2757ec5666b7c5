import HTTPTypes
import Hummingbird
import NIOCore

/// What no request may be, whatever its path.
struct RequestGuard {
  let limits: AdminLimits
  /// Whether requests come over TCP, where a browser of this machine may send them too.
  let isTCP: Bool
  /// Whether somebody else than this machine may be asking.
  var isOpenToOthers = false

  /// - Throws: `AdminError`.
  func check(_ request: Request) throws(AdminError) {
    guard AdminRouter.knownMethods.contains(request.method) else {
      throw AdminError(.methodNotAllowed, "the method '\(request.method.rawValue.prefix(16))' is not known here")
    }
    guard request.uri.string.utf8.count <= limits.targetBytes else {
      throw AdminError(.invalidArgument, "the path and its query are longer than \(limits.targetBytes) bytes")
    }
    guard !Self.hasBody(request) else {
      throw AdminError(.tooLarge, "a request with a body is not taken", hint: "Put parameters into the query")
    }
    if isTCP { try checkHost(request) }
  }

  static func hasBody(_ request: Request) -> Bool {
    if request.headers[.transferEncoding] != nil { return true }
    return request.headers[.contentLength].map { $0 != "0" } ?? false
  }

  /// A web page can make a browser of this machine resolve the page's own name to a loopback address and send requests
  /// here; then the host is not a loopback one.
  private func checkHost(_ request: Request) throws(AdminError) {
    let authority = request.head.authority ?? ""
    let host =
      authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
    if AdminAccess.hasToken(request) { return }
    // A numeric address is nobody's name.
    if isOpenToOthers, (try? SocketAddress(ipAddress: String(host), port: 0)) != nil { return }
    guard LoopbackHost.isOne(String(host)) else {
      throw AdminError(
        .permissionDenied, "the host '\(host.prefix(64))' of the request is not a loopback address",
        hint: isOpenToOthers ? "Use the numeric address, or send a token" : "Use http://127.0.0.1:port")
    }
  }
}

/// Hosts of this machine alone.
enum LoopbackHost {
  static func isOne(_ host: String) -> Bool {
    if host.lowercased() == "localhost" { return true }
    guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return false }
    switch address {
    case .v4: return host.hasPrefix("127.")
    case .v6: return host == "::1"
    case .unixDomainSocket: return false
    }
  }
}
