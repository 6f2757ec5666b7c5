import CGraphScopeProto

/// A message of the protocol as a Swift value.
///
/// The types have the names and fields of the messages in `proto/`, without the suffix `Pb`.
public protocol WireMessage: Sendable, Equatable {
  /// Reads a message from the bytes that a peer sent, all of them.
  ///
  /// The bytes are not trusted: nesting, expansion, text and enum numbers are checked, see ``WireLimits``.
  static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Self

  /// Calls `body` with the message in its encoded form, whose size is known and which can be packed once into memory
  /// of the caller's.
  func encoded<R>(_ body: (EncodedMessage) throws -> R) rethrows -> R
}

extension WireMessage {
  /// Reads a message from an array.
  public static func decode(_ bytes: [UInt8]) throws(WireError) -> Self {
    let result = bytes.withUnsafeBytes { raw in Result { () throws(WireError) in try decode(raw) } }
    return try result.get()
  }

  /// The message in an array of its own. Servers pack into the buffer they send instead, see ``encoded(_:)``.
  public var encodedBytes: [UInt8] {
    encoded { message in
      [UInt8](unsafeUninitializedCapacity: message.byteCount) { buffer, count in
        if let memory = buffer.baseAddress { message.pack(into: memory) }
        count = message.byteCount
      }
    }
  }
}

/// A message ready to be packed. Valid only within the closure that receives it.
public struct EncodedMessage {
  private enum Form {
    case tree(UnsafePointer<ProtobufCMessage>)
    case bytes([UInt8])
  }

  private let form: Form
  /// Bytes that ``pack(into:)`` writes.
  public let byteCount: Int
  /// Bytes of the message that it does not write, because the caller has them and sends them right behind: the chunk
  /// of a body of a step. 0 for all other messages. The size of the message is the sum of both counts.
  public let payloadByteCount: Int

  init(_ message: UnsafeRawPointer) {
    let message = message.assumingMemoryBound(to: ProtobufCMessage.self)
    form = .tree(message)
    byteCount = protobuf_c_message_get_packed_size(message)
    payloadByteCount = 0
  }

  /// A message that is packed already except for its last `payloadByteCount` bytes.
  init(_ bytes: [UInt8], payloadByteCount: Int) {
    form = .bytes(bytes)
    byteCount = bytes.count
    self.payloadByteCount = payloadByteCount
  }

  /// Writes ``byteCount`` bytes to `memory`.
  public func pack(into memory: UnsafeMutableRawPointer) {
    switch form {
    case .tree(let message):
      let written = protobuf_c_message_pack(message, memory.assumingMemoryBound(to: UInt8.self))
      precondition(written == byteCount, "a message changed between measuring and packing")
    case .bytes(let bytes):
      bytes.withUnsafeBytes { if let source = $0.baseAddress { memory.copyMemory(from: source, byteCount: byteCount) } }
    }
  }
}

/// A struct that protoc-gen-c generated for a message.
protocol CMessage {
  /// Sets all fields to their defaults and ties the struct to the description of its message.
  static func initialize(_ message: UnsafeMutablePointer<Self>)
}

extension CMessage {
  /// The description of the message. Swift would copy the global constant, whose address is what counts.
  static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
    withUnsafeTemporaryAllocation(of: Self.self, capacity: 1) { memory in
      guard let message = memory.baseAddress else { fatalError("no stack for \(Self.self)") }
      initialize(message)
      return UnsafeRawPointer(message).load(as: ProtobufCMessage.self).descriptor
    }
  }

  /// Parses `bytes` and lends the struct to `body`.
  static func withUnpacked<R>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<Self>) throws(WireError) -> R
  ) throws(WireError) -> R {
    let descriptor = descriptor
    try checkWireFormat(bytes, of: descriptor)
    let limit = WireLimits.memory(byteCount: bytes.count)
    let arena = Arena(capacity: min(4 * bytes.count + 512, 1 << 20), limit: limit)
    return try withExtendedLifetime(arena) { () throws(WireError) -> R in
      var allocator = ProtobufCAllocator(
        alloc: { arena, count in
          guard let arena else { return nil }
          return Unmanaged<Arena>.fromOpaque(arena).takeUnretainedValue().allocateWithinLimit(count)
        },
        free: { _, _ in },
        allocator_data: Unmanaged.passUnretained(arena).toOpaque())
      let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      guard let message = protobuf_c_message_unpack(descriptor, &allocator, bytes.count, data) else {
        // The format was checked, so what is left is the arena's limit.
        throw WireError(
          .tooLarge, "A message expands to more memory than its size justifies.",
          evidence: "\(name(of: descriptor)), \(bytes.count) bytes, limit \(limit) bytes",
          hint: "Send large data in the bodies of a step, not as many small values")
      }
      return try body(UnsafeRawPointer(message).assumingMemoryBound(to: Self.self))
    }
  }
}

/// A Swift value that mirrors a generated struct.
protocol Bridged: Sendable {
  /// The generated struct.
  associatedtype C: CMessage
  /// Copies everything of interest out of the struct.
  init(reading c: UnsafePointer<C>) throws(WireError)
  /// Sets the fields of a fresh struct; what they point to lives in `arena`.
  func fill(_ c: inout C, in arena: Arena)
}

extension Bridged {
  func build(in arena: Arena) -> UnsafeMutablePointer<C> {
    let message = arena.make(C.self)
    fill(&message.pointee, in: arena)
    return message
  }

  static func unpack(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Self {
    try C.withUnpacked(bytes) { c throws(WireError) in try Self(reading: c) }
  }
}

/// A message that travels by itself.
protocol BridgedMessage: Bridged, WireMessage {}

extension BridgedMessage {
  /// Checks the wire format, parses, and copies everything of interest into Swift values.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Self { try unpack(bytes) }

  /// Builds the generated struct in an arena that lives as long as the call.
  public func encoded<R>(_ body: (EncodedMessage) throws -> R) rethrows -> R {
    let arena = Arena(capacity: 2048)
    return try withExtendedLifetime(arena) { try body(EncodedMessage(build(in: arena))) }
  }
}

/// The name of a message in the protocol.
func name(of descriptor: UnsafePointer<ProtobufCMessageDescriptor>) -> String {
  String(cString: descriptor.pointee.name)
}
