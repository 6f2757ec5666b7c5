import HTTPTypes
import Hummingbird
import NIOCore

/// The checks that every request must pass, whatever its path.
struct RequestGuard {
  let limits: HTTPLimits
  /// Whether requests arrive over TCP, where a browser on this machine can send them too.
  let isTCP: Bool
  /// Whether requests can come from other machines.
  var isOpenToOthers = false

  /// - Throws: `RequestError`.
  func check(_ request: Request, maximumBodyBytes: Int) throws(RequestError) {
    if let fault = request.headers[HeadInspector.faultField] { throw RequestError(.invalidArgument, fault) }
    guard Routes.knownMethods.contains(request.method) else {
      throw RequestError(.methodNotAllowed, "the method '\(request.method.rawValue.prefix(16))' is not supported")
    }
    guard request.uri.string.utf8.count <= limits.targetBytes else {
      throw RequestError(.invalidArgument, "the path and its query are longer than \(limits.targetBytes) bytes")
    }
    try checkBody(request, maximumBodyBytes)
    if isTCP, ![.get, .head, .options].contains(request.method) { try checkOrigin(request) }
  }

  private func checkBody(_ request: Request, _ maximum: Int) throws(RequestError) {
    guard maximum == 0 else {
      let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
      guard length <= maximum else { throw RequestError(.tooLarge, "the body is larger than \(maximum) bytes") }
      return
    }
    guard !Self.hasBody(request) else {
      throw RequestError(.tooLarge, "the request must not have a body", hint: "Pass parameters in the query")
    }
  }

  static func hasBody(_ request: Request) -> Bool {
    if request.headers[.transferEncoding] != nil { return true }
    return request.headers[.contentLength].map { $0 != "0" } ?? false
  }

  /// Requires a loopback host. A web page can make a browser on this machine resolve the page's own name to a loopback address
  /// and send requests to it (DNS rebinding); their host is then the name of the page.
  /// - Throws: `RequestError`.
  func checkHost(_ request: Request) throws(RequestError) {
    guard isTCP else { return }
    let host = Self.host(of: request.head.authority ?? "")
    // A numeric address cannot be the name of a web page.
    if isOpenToOthers, (try? SocketAddress(ipAddress: host, port: 0)) != nil { return }
    guard LoopbackHost.isOne(host) else {
      throw RequestError(
        .permissionDenied, "the request's host '\(host.prefix(64))' is not a loopback address",
        hint: isOpenToOthers ? "Use the numeric address, or send a valid token" : "Use http://127.0.0.1:port")
    }
  }

  /// Rejects changes that a web page of another origin requests. Such a page can make a browser send requests with the
  /// browser's certificate; browsers tell where these come from (Fetch Metadata, 2.1; RFC 6454, 7).
  private func checkOrigin(_ request: Request) throws(RequestError) {
    var origin = request.headers[.origin]
    if let own = origin, let authority = request.head.authority,
      ["http://\(authority)", "https://\(authority)"].contains(own.lowercased())
    {
      origin = nil
    }
    let site = request.headers[HTTPField.Name("Sec-Fetch-Site")!] ?? "none"
    guard origin == nil, ["none", "same-origin"].contains(site) else {
      throw RequestError(
        .permissionDenied, "a web page of '\((origin ?? site).prefix(64))' may not change anything here",
        hint: "Use `gscoordinator`, or a program other than a browser")
    }
  }

  private static func host(of authority: String) -> String {
    String(authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" })
  }
}

/// Host names that refer to this machine only.
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
