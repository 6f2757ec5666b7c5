import CGraphScopeProto

// google.protobuf.Any: a message of any type, packed, beside the name of its type.

private let prefix = "type.googleapis.com/"

extension Google__Protobuf__Any {
  /// The full name of the packed message: what follows the last slash of the type URL.
  func messageName() throws(WireError) -> String {
    let url = try text(type_url, "Any.type_url")
    return url.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
  }

  /// The packed bytes.
  var packed: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: value.data, count: value.data == nil ? 0 : value.len)
  }

  /// Packs a struct that `fill` completes.
  mutating func pack<C: CMessage>(_ type: C.Type, as name: String, in arena: Arena, _ fill: (inout C) -> Void) {
    let message = arena.make(type)
    fill(&message.pointee)
    let encoded = EncodedMessage(message)
    let memory = arena.allocate(encoded.byteCount)
    encoded.pack(into: memory)
    type_url = arena.text(prefix + name)
    value = ProtobufCBinaryData(len: encoded.byteCount, data: memory.assumingMemoryBound(to: UInt8.self))
  }

  /// Takes bytes that are packed already.
  mutating func set(_ bytes: [UInt8], as name: String, in arena: Arena) {
    type_url = arena.text(prefix + name)
    value = arena.bytes(bytes)
  }
}
