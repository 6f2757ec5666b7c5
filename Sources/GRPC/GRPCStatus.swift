/// The status of a call: a gRPC status code and a human-readable message.
///
/// Thrown by handlers and received by clients. The codes are defined in gRPC's "Status codes and their use".
public struct GRPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
  /// The seventeen status codes of gRPC.
  public enum Code: Int, Sendable, CaseIterable {
    /// No error.
    case ok = 0
    /// The call was cancelled, typically by the caller.
    case cancelled
    /// An error without further information.
    case unknown
    /// The request is invalid, whatever the state of the system.
    case invalidArgument
    /// The deadline passed before the call completed.
    case deadlineExceeded
    /// A requested entity does not exist.
    case notFound
    /// The entity to be created already exists.
    case alreadyExists
    /// The caller is not permitted to make this call.
    case permissionDenied
    /// A quota, a limit or memory is exhausted.
    case resourceExhausted
    /// The system is not in the state that the call requires.
    case failedPrecondition
    /// The operation was aborted, typically because of a conflict.
    case aborted
    /// Past the valid range.
    case outOfRange
    /// The method does not exist or is not supported.
    case unimplemented
    /// An invariant is broken.
    case `internal`
    /// The service is currently unavailable; a retry may succeed.
    case unavailable
    /// Data is permanently lost or damaged.
    case dataLoss
    /// The caller is not authenticated.
    case unauthenticated
  }

  /// The status code.
  public var code: Code
  /// A message for the user; any Unicode text.
  public var message: String
  /// Machine-readable details, sent in `grpc-status-details-bin`.
  public var details: [ErrorDetail] = []
  /// Whether the server has reported that it did not begin the call (REFUSED_STREAM, or GOAWAY with a lower stream number), so
  /// that it is safe to retry. The client itself retries calls with a single request.
  public internal(set) var isUnprocessed = false

  /// Creates a status.
  public init(_ code: Code, _ message: String = "") {
    self.code = code
    self.message = message
  }

  /// The status of a successful call.
  public static let ok = GRPCStatus(.ok)

  /// `CODE: message`.
  public var description: String { "\(code): \(message)" }
}

/// An error that specifies the status to send to the caller of an RPC. Other errors are sent as UNKNOWN, without details.
public protocol GRPCStatusConvertible: Error {
  /// The status to send to the caller.
  var grpcStatus: GRPCStatus { get }
}

extension GRPCStatus {
  /// Makes the status for an error thrown by a handler. The text of unknown errors is not included: it may contain secrets.
  init(thrown error: any Error) {
    switch error {
    case let status as GRPCStatus: self = status.code == .ok ? GRPCStatus(.unknown, status.message) : status
    case let error as any GRPCStatusConvertible: self = error.grpcStatus
    case is CancellationError: self = GRPCStatus(.cancelled, "The call was cancelled")
    default: self = GRPCStatus(.unknown, "The server failed to handle the call; its log says why")
    }
  }

  /// The message as encoded in `grpc-message`: UTF-8 bytes outside 0x20–0x7E, and `%`, are percent-encoded (gRPC over HTTP/2,
  /// "Status-Message"). Truncated to 16 KiB because peers limit the size of headers.
  var encodedMessage: [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(message.utf8.count, 16 * 1024))
    for byte in message.utf8.prefix(16 * 1024) {
      if (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%") {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return bytes
  }

  /// Decodes a `grpc-message`. Never fails: invalid escapes are kept as they are.
  static func decodeMessage(_ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    var text: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let high = hexValue(bytes[index + 1]), let low = hexValue(bytes[index + 2])
      {
        text.append(high << 4 | low)
        index += 3
      } else {
        text.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
