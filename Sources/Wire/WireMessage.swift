import CGraphScopeProto

/// A message of the protocol as a Swift value.
///
/// The types have the names and fields of the messages in `proto/`, without the suffix `Pb`.
public protocol WireMessage: Sendable, Equatable {
  /// Decodes a message that occupies all of the bytes.
  ///
  /// The bytes are not trusted: nesting, expansion, text and enum numbers are checked; see ``WireLimits``.
  /// - Throws: `WireError` when the bytes are not a valid message.
  static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Self

  /// Calls `body` with the encoded message, whose size is known and which can be packed once into the caller's memory.
  func encoded<R>(_ body: (EncodedMessage) throws -> R) rethrows -> R
}

extension WireMessage {
  /// Decodes a message from an array.
  /// - Throws: `WireError` when the bytes are not a valid message.
  public static func decode(_ bytes: [UInt8]) throws(WireError) -> Self {
    let result = bytes.withUnsafeBytes { raw in Result { () throws(WireError) in try decode(raw) } }
    return try result.get()
  }

  /// The encoded message as a new array. Servers avoid this copy with ``encoded(_:)``.
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
  /// The number of bytes that ``pack(into:)`` writes.
  public let byteCount: Int
  /// The number of bytes that follow the packed bytes and that the caller sends itself: the chunk of a body of a step. 0 for all
  /// other messages. The size of the message is the sum of both counts.
  public let payloadByteCount: Int

  init(_ message: UnsafeRawPointer) {
    let message = message.assumingMemoryBound(to: ProtobufCMessage.self)
    form = .tree(message)
    byteCount = protobuf_c_message_get_packed_size(message)
    payloadByteCount = 0
  }

  /// Creates a message that is already packed except for its last `payloadByteCount` bytes.
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
  /// Sets all fields to their defaults and links the struct to the descriptor of its message.
  static func initialize(_ message: UnsafeMutablePointer<Self>)
}

extension CMessage {
  /// The descriptor of the message. A pointer, because Swift would copy the global constant, whose address matters.
  static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
    withUnsafeTemporaryAllocation(of: Self.self, capacity: 1) { memory in
      guard let message = memory.baseAddress else { fatalError("no stack for \(Self.self)") }
      initialize(message)
      return UnsafeRawPointer(message).load(as: ProtobufCMessage.self).descriptor
    }
  }

  /// Parses `bytes` and calls `body` with the struct.
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
        // The format was checked before, so only the arena's limit can cause this.
        throw WireError(
          .tooLarge, "A message expands to more memory than its size justifies.",
          evidence: "\(name(of: descriptor)), \(bytes.count) bytes, limit \(limit) bytes",
          hint: "Send large data in the bodies of a step instead of many small values")
      }
      return try body(UnsafeRawPointer(message).assumingMemoryBound(to: Self.self))
    }
  }
}

/// A Swift value that mirrors a generated struct.
protocol Bridged: Sendable {
  /// The generated struct.
  associatedtype C: CMessage
  /// Copies the relevant fields from the struct.
  init(reading c: UnsafePointer<C>) throws(WireError)
  /// Sets the fields of a new struct; memory that they point to is allocated in `arena`.
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

/// A message that is sent by itself.
protocol BridgedMessage: Bridged, WireMessage {}

extension BridgedMessage {
  /// Checks the wire format, parses the message and copies the relevant fields into Swift values.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Self { try unpack(bytes) }

  /// Builds the generated struct in an arena that exists for the duration of the call.
  public func encoded<R>(_ body: (EncodedMessage) throws -> R) rethrows -> R {
    let arena = Arena(capacity: 2048)
    return try withExtendedLifetime(arena) { try body(EncodedMessage(build(in: arena))) }
  }
}

/// Returns the name of a message in the protocol.
func name(of descriptor: UnsafePointer<ProtobufCMessageDescriptor>) -> String {
  String(cString: descriptor.pointee.name)
}
