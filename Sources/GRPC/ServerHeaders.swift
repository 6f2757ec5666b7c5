import HTTP2

/// The header lists that a server sends.
enum ServerHeaders {
  /// Sent before the first message if the handler has no metadata of its own.
  static let initial = HTTP2StaticHeaders([(":status", "200"), ("content-type", "application/grpc")])
  /// Sent after the last message of a successful call.
  static let okTrailers = HTTP2StaticHeaders([("grpc-status", "0")])
  /// The response to a request that is not gRPC.
  static let unsupportedMediaType = HTTP2StaticHeaders([(":status", "415")])
  /// The response to a request other than POST.
  static let methodNotAllowed = HTTP2StaticHeaders([(":status", "405"), ("allow", "POST")])
  /// The response to a request whose headers are too long to determine whether it is gRPC.
  static let tooLarge = HTTP2StaticHeaders([(":status", "431")])

  static func initial(_ metadata: Metadata, isCompressed: Bool = false) -> HTTP2Headers {
    var headers = HTTP2Headers()
    headers.add(":status", "200")
    headers.add("content-type", "application/grpc")
    if isCompressed { headers.add("grpc-encoding", "gzip") }
    metadata.write(to: &headers)
    return headers
  }

  static func trailers(_ status: GRPCStatus, _ metadata: Metadata) -> HTTP2Headers {
    var headers = HTTP2Headers()
    add(status, metadata, to: &headers)
    return headers
  }

  /// Returns the headers of a call that ends without any message: all metadata and the status in one list.
  static func trailersOnly(_ status: GRPCStatus, initial: Metadata?, _ trailing: Metadata?) -> HTTP2Headers {
    var headers = Self.initial(initial ?? Metadata())
    if status.code == .unimplemented { headers.add("grpc-accept-encoding", MessageEncoding.accepted) }
    add(status, trailing ?? Metadata(), to: &headers)
    return headers
  }

  private static func add(_ status: GRPCStatus, _ metadata: Metadata, to headers: inout HTTP2Headers) {
    headers.add("grpc-status", String(status.code.rawValue))
    if !status.message.isEmpty { headers.add("grpc-message", bytes: status.encodedMessage) }
    if let details = status.encodedDetails { headers.add("grpc-status-details-bin", bytes: Base64.encode(details)) }
    metadata.write(to: &headers)
  }
}
