import ProtobufFields

/// Machine-readable information about a status: an element of `google.rpc.Status.details`, sent in the trailer
/// `grpc-status-details-bin`.
public enum ErrorDetail: Sendable, Hashable {
  /// `google.rpc.ErrorInfo`: a reason in capitals, such as `VERSION_MISMATCH`, that is unique within its domain, and additional
  /// key-value pairs.
  case info(reason: String, domain: String, metadata: [String: String])
  /// `google.rpc.RetryInfo`: the call may be retried, but not before this time has passed.
  case retry(after: Duration)
  /// Any other message: its type URL and its bytes.
  case other(type: String, bytes: [UInt8])

  /// The domain of this program's reasons.
  public static let domain = "gscoordinator"
}

extension GRPCStatus {
  /// Creates a status with a machine-readable reason.
  ///
  /// - Parameter retryAfter: how long a client should wait before it retries the call; nil if a retry would not help.
  public init(_ code: Code, _ message: String, reason: String, retryAfter: Duration? = nil) {
    self.init(code, message)
    details = [.info(reason: reason, domain: ErrorDetail.domain, metadata: [:])]
    if let retryAfter { details.append(.retry(after: retryAfter)) }
  }

  /// The reason of the first `google.rpc.ErrorInfo`.
  public var reason: String? {
    details.lazy.compactMap { if case .info(let reason, _, _) = $0 { reason } else { nil } }.first
  }

  /// The delay before the call should be retried; nil if the server specifies none.
  public var retryDelay: Duration? {
    details.lazy.compactMap { if case .retry(let delay) = $0 { delay } else { nil } }.first
  }

  static let shuttingDown = GRPCStatus(
    .unavailable, "The server is shutting down", reason: "SHUTTING_DOWN", retryAfter: .seconds(1))
  static let connectionAge = GRPCStatus(
    .unavailable, "The connection has reached the maximum age that the server allows: call again",
    reason: "CONNECTION_AGE", retryAfter: .zero)
}

extension ProtobufError: GRPCStatusConvertible {
  /// INVALID_ARGUMENT, with the description as its message.
  public var grpcStatus: GRPCStatus { GRPCStatus(.invalidArgument, description) }
}

// MARK: - google.rpc.Status

extension GRPCStatus {
  /// Maximum size of a `google.rpc.Status` that is sent, in bytes: peers limit the size of headers, commonly to 8 KiB, and the
  /// message is also sent in `grpc-message`.
  private static let maxDetailBytes = 3 * 1024

  /// The status as a `google.rpc.Status`; nil if it has no details or they are too long to send.
  var encodedDetails: [UInt8]? {
    guard !details.isEmpty, message.utf8.count <= Self.maxDetailBytes else { return nil }
    var writer = ProtobufWriter()
    writer.integer(1, Int64(code.rawValue))
    writer.text(2, message)
    for detail in details { writer.message(3, detail.write) }
    return writer.bytes.count <= Self.maxDetailBytes ? writer.bytes : nil
  }

  /// Decodes the details of a `google.rpc.Status`. Returns none if they cannot be read, because the status is valid without them.
  static func decodeDetails(_ bytes: [UInt8]) -> [ErrorDetail] {
    var details: [ErrorDetail] = []
    do {
      var reader = ProtobufReader(bytes)
      while let field = try reader.next() {
        if field.number == 3, let any = field.value.bytes { details.append(try ErrorDetail(any: any)) }
      }
    } catch {
      return []
    }
    return details
  }
}

extension ErrorDetail {
  private static let infoType = "type.googleapis.com/google.rpc.ErrorInfo"
  private static let retryType = "type.googleapis.com/google.rpc.RetryInfo"

  /// Writes a `google.protobuf.Any`.
  fileprivate func write(_ any: inout ProtobufWriter) {
    switch self {
    case .info(let reason, let domain, let metadata):
      any.text(1, Self.infoType)
      any.message(2) { info in
        info.text(1, reason)
        info.text(2, domain)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
          info.message(3) { entry in
            entry.text(1, key)
            entry.text(2, value)
          }
        }
      }
    case .retry(let delay):
      any.text(1, Self.retryType)
      // A google.protobuf.Duration.
      any.message(2) { info in
        info.message(1) { duration in
          duration.integer(1, delay.components.seconds)
          duration.integer(2, delay.components.attoseconds / 1_000_000_000)
        }
      }
    case .other(let type, let bytes):
      any.text(1, type)
      any.bytes(2, bytes)
    }
  }

  /// Reads a `google.protobuf.Any`.
  fileprivate init(any: ArraySlice<UInt8>) throws(ProtobufError) {
    let fields = try Self.fields(of: any)
    let bytes = fields.last { $0.number == 2 }?.value.bytes ?? []
    switch fields.last(where: { $0.number == 1 })?.value.text ?? "" {
    case Self.infoType: self = try Self.info(bytes)
    case Self.retryType: self = try Self.retry(bytes)
    case let type: self = .other(type: type, bytes: Array(bytes))
    }
  }

  private static func info(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> ErrorDetail {
    var (reason, domain) = ("", "")
    var metadata: [String: String] = [:]
    for field in try fields(of: bytes) {
      switch field.number {
      case 1: reason = field.value.text ?? ""
      case 2: domain = field.value.text ?? ""
      case 3:
        let entry = try fields(of: field.value.bytes ?? [])
        let key = entry.last { $0.number == 1 }?.value.text ?? ""
        metadata[key] = entry.last { $0.number == 2 }?.value.text ?? ""
      default: break
      }
    }
    return .info(reason: reason, domain: domain, metadata: metadata)
  }

  private static func retry(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> ErrorDetail {
    var delay = Duration.zero
    for field in try fields(of: try fields(of: bytes).last { $0.number == 1 }?.value.bytes ?? []) {
      switch field.number {
      case 1: delay += .seconds(field.value.integer ?? 0)
      case 2: delay += .nanoseconds(field.value.integer ?? 0)
      default: break
      }
    }
    return .retry(after: delay)
  }

  private static func fields(
    of message: ArraySlice<UInt8>
  ) throws(ProtobufError) -> [(number: Int, value: ProtobufReader.Value)] {
    var reader = ProtobufReader(message)
    var fields: [(number: Int, value: ProtobufReader.Value)] = []
    while let field = try reader.next() { fields.append(field) }
    return fields
  }
}
