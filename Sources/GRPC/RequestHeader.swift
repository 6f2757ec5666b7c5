/// The header fields of a request that mean something to the transport, recognised without making strings.
enum RequestHeader {
  case method, path, contentType, timeout, encoding
  /// Means nothing to the call: the client's name, what it accepts, where it thinks it is.
  case ignored
  /// The application's.
  case custom

  init(_ name: UnsafeBufferPointer<UInt8>) {
    switch name.count {
    case 2 where name == "te": self = .ignored
    case 5 where name == ":path": self = .path
    case 7 where name == ":method": self = .method
    case 10 where name == "user-agent": self = .ignored
    case 12 where name == "content-type": self = .contentType
    case 12 where name == "grpc-timeout": self = .timeout
    case 13 where name == "grpc-encoding": self = .encoding
    case 14 where name == "content-length": self = .ignored
    case 15 where name == "accept-encoding": self = .ignored
    case 20 where name == "grpc-accept-encoding": self = .ignored
    default: self = name.first == UInt8(ascii: ":") ? .ignored : .custom
    }
  }
}

/// Compares bytes with a literal.
func == (bytes: UnsafeBufferPointer<UInt8>, literal: StaticString) -> Bool {
  bytes.elementsEqual(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
}

/// Whether a content type is gRPC's: `application/grpc`, alone or followed by `+` or `;`.
func isGRPC(contentType: UnsafeBufferPointer<UInt8>) -> Bool {
  let length = "application/grpc".utf8.count
  guard contentType.count >= length, UnsafeBufferPointer(rebasing: contentType[..<length]) == "application/grpc" else {
    return false
  }
  let next = contentType.dropFirst(length).first
  return next == nil || next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
}
