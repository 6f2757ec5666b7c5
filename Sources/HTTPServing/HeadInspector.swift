import HTTPTypes
import NIOCore
import NIOHTTP1

/// Follows the HTTP/1 decoder and checks what later layers cannot see: the version, all `Host` fields, and the form of the
/// target. A fault is passed on in a header field that clients cannot send, so that it is answered in order. Closes the
/// connection after the answer to an HTTP/1.0 client, and after an answer with `Connection: close`.
final class HeadInspector: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// The header field that describes what is wrong with a request.
  static let faultField = HTTPField.Name("X-Fault")!

  /// For each request that was read but not yet answered, oldest first: whether it is HTTP/1.0.
  private var areOld: [Bool] = []
  private var isLast = false
  private let connection: ConnectionTable.Connection
  private let deadline: HeadDeadline

  init(_ connection: ConnectionTable.Connection, _ deadline: HeadDeadline) {
    self.connection = connection
    self.deadline = deadline
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    deadline.cancel()
    guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
    connection.requestBegan()
    areOld.append(head.version == .http1_0)
    head.headers.remove(name: Self.faultField.rawName)
    if let fault = Self.normalize(&head) { head.headers.add(name: Self.faultField.rawName, value: fault) }
    context.fireChannelRead(wrapInboundOut(.head(head)))
  }

  /// Reduces an absolute target to its path, and sets the `Host` field to the target's host.
  /// - Returns: what is wrong with the request (RFC 9112, 3.2); nil if nothing is.
  private static func normalize(_ head: inout HTTPRequestHead) -> String? {
    let hosts = head.headers["Host"]
    if hosts.count > 1 { return "the request has \(hosts.count) Host fields, but must have one" }
    if hosts.isEmpty, head.version != .http1_0 { return "the request has no Host field" }
    guard let scheme = head.uri.firstRange(of: "://"), !head.uri.hasPrefix("/") else { return nil }
    guard ["http", "https"].contains(head.uri[..<scheme.lowerBound].lowercased()) else {
      return "the scheme of the request's target is neither http nor https"
    }
    let rest = head.uri[scheme.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    guard !authority.isEmpty, !authority.contains("@") else {
      return "the request's target names no host, or contains a user name"
    }
    // The authority of the target takes precedence over the field (RFC 9112, 3.2.2).
    head.headers.replaceOrAdd(name: "Host", value: String(authority))
    let path = rest[authority.endIndex...]
    head.uri = path.hasPrefix("/") ? String(path) : "/" + path
    return nil
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(var head):
      // The answer to input that could not be parsed has no request.
      let isOld = areOld.isEmpty ? false : areOld.removeFirst()
      if isOld {
        head.version = .http1_0
        head.headers.replaceOrAdd(name: "Connection", value: "close")
      }
      isLast = head.headers["Connection"].contains { $0.lowercased() == "close" }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .end where isLast:
      let channel = context.channel
      context.writeAndFlush(data, promise: promise)
      // Keep reading for a while: closing now would send a reset, which could discard the answer.
      context.close(mode: .output, promise: nil)
      context.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
      connection.requestEnded()
    case .end:
      context.write(data, promise: promise)
      connection.requestEnded()
    default: context.write(data, promise: promise)
    }
  }
}
