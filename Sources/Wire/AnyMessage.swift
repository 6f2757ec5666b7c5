import CGraphScopeProto

// google.protobuf.Any: a packed message of any type, together with the name of its type.

private let prefix = "type.googleapis.com/"

extension Google__Protobuf__Any {
  /// Returns the full name of the packed message: the part of the type URL after the last slash.
  /// - Throws: `WireError` when the URL is not valid text.
  func messageName() throws(WireError) -> String {
    let url = try text(type_url, "Any.type_url")
    return url.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
  }

  /// The packed bytes.
  var packed: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: value.data, count: value.data == nil ? 0 : value.len)
  }

  /// Packs a struct that `fill` fills in.
  mutating func pack<C: CMessage>(_ type: C.Type, as name: String, in arena: Arena, _ fill: (inout C) -> Void) {
    let message = arena.make(type)
    fill(&message.pointee)
    let encoded = EncodedMessage(message)
    let memory = arena.allocate(encoded.byteCount)
    encoded.pack(into: memory)
    type_url = arena.text(prefix + name)
    value = ProtobufCBinaryData(len: encoded.byteCount, data: memory.assumingMemoryBound(to: UInt8.self))
  }

  /// Stores bytes that are packed already.
  mutating func set(_ bytes: [UInt8], as name: String, in arena: Arena) {
    type_url = arena.text(prefix + name)
    value = arena.bytes(bytes)
  }
}
