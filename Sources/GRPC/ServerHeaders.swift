import HTTP2

/// The header lists that a server sends.
enum ServerHeaders {
  /// Before the first message, when the handler has no metadata of its own.
  static let initial = HTTP2StaticHeaders([(":status", "200"), ("content-type", "application/grpc")])
  /// After the last message of a call that went well.
  static let okTrailers = HTTP2StaticHeaders([("grpc-status", "0")])
  /// The request is not gRPC.
  static let unsupportedMediaType = HTTP2StaticHeaders([(":status", "415")])
  /// The request is no POST.
  static let methodNotAllowed = HTTP2StaticHeaders([(":status", "405"), ("allow", "POST")])
  /// The request's headers are too long to see whether it is gRPC.
  static let tooLarge = HTTP2StaticHeaders([(":status", "431")])

  static func initial(_ metadata: Metadata) -> HTTP2Headers {
    var headers = HTTP2Headers()
    headers.add(":status", "200")
    headers.add("content-type", "application/grpc")
    metadata.write(to: &headers)
    return headers
  }

  static func trailers(_ status: GRPCStatus, _ metadata: Metadata) -> HTTP2Headers {
    var headers = HTTP2Headers()
    add(status, metadata, to: &headers)
    return headers
  }

  /// A call that ends without any message: all metadata and the status in one list.
  static func trailersOnly(_ status: GRPCStatus, initial: Metadata?, _ trailing: Metadata?) -> HTTP2Headers {
    var headers = Self.initial(initial ?? Metadata())
    if status.code == .unimplemented { headers.add("grpc-accept-encoding", "identity") }
    add(status, trailing ?? Metadata(), to: &headers)
    return headers
  }

  private static func add(_ status: GRPCStatus, _ metadata: Metadata, to headers: inout HTTP2Headers) {
    headers.add("grpc-status", String(status.code.rawValue))
    if !status.message.isEmpty { headers.add("grpc-message", bytes: status.encodedMessage) }
    metadata.write(to: &headers)
  }
}
