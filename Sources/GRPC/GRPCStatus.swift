/// How a call ended: gRPC's status code and a message for the person who reads it.
///
/// Handlers throw it; clients receive it. The codes are those of gRPC's "Status codes and their use".
public struct GRPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
  /// The seventeen codes of gRPC.
  public enum Code: Int, Sendable, CaseIterable {
    /// No error.
    case ok = 0
    /// The caller gave up.
    case cancelled
    /// An error that says no more.
    case unknown
    /// The request is wrong, whatever state the system is in.
    case invalidArgument
    /// The time was over before the answer was there.
    case deadlineExceeded
    /// The thing asked for does not exist.
    case notFound
    /// The thing to be made exists.
    case alreadyExists
    /// The caller may not do this.
    case permissionDenied
    /// A quota, a limit or a memory is used up.
    case resourceExhausted
    /// The system is not in a state for this.
    case failedPrecondition
    /// The operation was given up, typically because of a conflict.
    case aborted
    /// Past the valid range.
    case outOfRange
    /// No such method, or not supported.
    case unimplemented
    /// An invariant is broken.
    case `internal`
    /// Not reachable now; trying again may help.
    case unavailable
    /// Data is lost or damaged for good.
    case dataLoss
    /// The caller is not known.
    case unauthenticated
  }

  /// The code.
  public var code: Code
  /// What to tell the user; any Unicode text.
  public var message: String

  /// Makes a status.
  public init(_ code: Code, _ message: String = "") {
    self.code = code
    self.message = message
  }

  /// Success.
  public static let ok = GRPCStatus(.ok)

  /// `CODE: message`.
  public var description: String { "\(code): \(message)" }
}

/// An error that knows how it looks to the caller of an RPC. Other errors reach callers as UNKNOWN, without any detail.
public protocol GRPCStatusConvertible: Error {
  /// The status that the caller receives.
  var grpcStatus: GRPCStatus { get }
}

extension GRPCStatus {
  /// The status for whatever a handler has thrown. The text of unknown errors stays here: it may hold secrets.
  init(thrown error: any Error) {
    switch error {
    case let status as GRPCStatus: self = status.code == .ok ? GRPCStatus(.unknown, status.message) : status
    case let error as any GRPCStatusConvertible: self = error.grpcStatus
    case is CancellationError: self = GRPCStatus(.cancelled, "The call was cancelled")
    default: self = GRPCStatus(.unknown, "The server failed to handle the call; its log says why")
    }
  }

  /// The message as it travels in `grpc-message`: bytes of UTF-8 outside 0x20–0x7E, and `%`, percent-encoded
  /// (gRPC over HTTP/2, "Status-Message"). Cut after 16 KiB: it is a header, and peers limit those.
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

  /// The text of a `grpc-message`. Never fails: what is not a valid escape stands for itself.
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
