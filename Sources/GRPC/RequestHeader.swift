/// The header fields of a request that concern the transport, recognised without creating strings.
enum RequestHeader {
  case method, path, contentType, timeout, encoding, acceptEncoding
  /// Not relevant for the call, such as the user agent or `:authority`.
  case ignored
  /// Application metadata.
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
    case 20 where name == "grpc-accept-encoding": self = .acceptEncoding
    default: self = name.first == UInt8(ascii: ":") ? .ignored : .custom
    }
  }
}

/// Compares bytes with a literal.
func == (bytes: UnsafeBufferPointer<UInt8>, literal: StaticString) -> Bool {
  bytes.elementsEqual(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
}

/// Returns whether bytes begin with a lower-case literal, ignoring case.
private func begins(_ bytes: UnsafeBufferPointer<UInt8>, with literal: StaticString) -> Bool {
  let count = literal.utf8CodeUnitCount
  guard bytes.count >= count else { return false }
  var index = 0
  while index < count {
    let byte = bytes[index]
    let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
    if (isCapital ? byte | 0x20 : byte) != literal.utf8Start[index] { return false }
    index += 1
  }
  return true
}

/// Returns whether a content type is gRPC: `application/grpc` in any case (RFC 9110, section 8.3.1), alone or followed by `+` or
/// `;`.
func isGRPC(contentType: UnsafeBufferPointer<UInt8>) -> Bool {
  let length = "application/grpc".utf8.count
  guard begins(contentType, with: "application/grpc") else { return false }
  guard contentType.count > length else { return true }
  return contentType[length] == UInt8(ascii: "+") || contentType[length] == UInt8(ascii: ";")
}
