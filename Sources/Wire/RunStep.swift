import CGraphScopeProto
import Vocabulary

/// A message of the request stream of a step: one head, followed by the data of its operations in bodies.
///
/// Bodies carry up to 2 GiB. Their chunks are never copied into Swift values: decoding reports the range of the chunk in the
/// message, and encoding writes the part that precedes it; see ``EncodedMessage/payloadByteCount``.
public enum RunStepRequest: Sendable, Equatable {
  /// The operations. Sent first, exactly once.
  case head(RunStepRequestHead)
  /// A piece of the data of an operation.
  case body(RunStepRequestBody)
}

/// The operations of a step.
public struct RunStepRequestHead: Sendable, Equatable {
  /// The id of the session.
  public var sessionID: String
  /// The operations.
  public var dag: DagDef

  /// Creates the head of a step.
  public init(sessionID: String, dag: DagDef) {
    self.sessionID = sessionID
    self.dag = dag
  }
}

/// A piece of the data of an operation.
public struct RunStepRequestBody: Sendable, Equatable {
  /// Key of the operation.
  public var operationKey: String
  /// Whether the next body continues the same data.
  public var hasNext: Bool
  /// The range of the data within the bytes of the message. In a message to send, only its length matters.
  public var chunk: Range<Int>

  /// Creates a body. `chunk` is the chunk's range in a received message, or `0..<count` in a message to send.
  public init(operationKey: String, hasNext: Bool, chunk: Range<Int>) {
    self.operationKey = operationKey
    self.hasNext = hasNext
    self.chunk = chunk
  }
}

/// A message of the response stream of a step: one head, followed by large results in bodies.
///
/// Chunks are not copied; see ``RunStepRequest``.
public enum RunStepResponse: Sendable, Equatable {
  /// The outcome of the step.
  case head(RunStepResponseHead)
  /// A piece of a large result.
  case body(RunStepResponseBody)
}

/// The outcome of a step.
public struct RunStepResponseHead: Sendable, Equatable {
  /// One result for each operation that succeeded.
  public var results: [OpResult]
  /// How the step ended. A failed operation is not a gRPC error.
  public var code: ResultCode
  /// Why the step failed.
  public var errorMessage: String
  /// The exception that the client raises; see ``PickledException``. If it is empty, the client raises none.
  public var exception: [UInt8]

  /// Creates the head of a response.
  public init(
    results: [OpResult] = [], code: ResultCode = .ok, errorMessage: String = "", exception: [UInt8] = []
  ) {
    self.results = results
    self.code = code
    self.errorMessage = errorMessage
    self.exception = exception
  }
}

/// A piece of a large result. The buffers belong to the results with ``OpResult/hasLargeResult``, in order.
public struct RunStepResponseBody: Sendable, Equatable {
  /// Whether the next body continues the same data.
  public var hasNext: Bool
  /// The range of the data within the bytes of the message. In a message to send, only its length matters.
  public var chunk: Range<Int>

  /// Creates a body. `chunk` is the chunk's range in a received message, or `0..<count` in a message to send.
  public init(hasNext: Bool, chunk: Range<Int>) {
    self.hasNext = hasNext
    self.chunk = chunk
  }
}

extension RunStepRequest: WireMessage {
  /// Decodes a message. Finds the chunk of a body in constant time.
  /// - Throws: `WireError` when the bytes are not a valid message.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> RunStepRequest {
    switch try StepPart(of: "RunStepRequest", bytes) {
    case .head(let range): return .head(try .unpack(UnsafeRawBufferPointer(rebasing: bytes[range])))
    case .body(let range):
      let body = try StepBody(bytes, range, keyField: 2, hasNextField: 3)
      return .body(RunStepRequestBody(operationKey: body.key, hasNext: body.hasNext, chunk: body.chunk))
    }
  }

  /// Encodes a head completely, and a body except for its chunk.
  public func encoded<R>(_ body: (EncodedMessage) throws -> R) rethrows -> R {
    let arena = Arena(capacity: 4096)
    return try withExtendedLifetime(arena) {
      switch self {
      case .head(let head):
        let message = arena.make(Gs__Rpc__RunStepRequest.self)
        message.pointee.value_case = GS__RPC__RUN_STEP_REQUEST__VALUE_HEAD
        message.pointee.head = head.build(in: arena)
        return try body(EncodedMessage(message))
      case .body(let part):
        var key: [UInt8] = []
        if !part.operationKey.isEmpty {
          key = [0x12] + varint(part.operationKey.utf8.count) + Array(part.operationKey.utf8)
        }
        let fields = key + (part.hasNext ? [0x18, 1] : [])
        return try body(encodedBody(fields, chunkByteCount: part.chunk.count))
      }
    }
  }
}

extension RunStepResponse: WireMessage {
  /// Decodes a message. Finds the chunk of a body in constant time.
  /// - Throws: `WireError` when the bytes are not a valid message.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> RunStepResponse {
    switch try StepPart(of: "RunStepResponse", bytes) {
    case .head(let range): return .head(try .unpack(UnsafeRawBufferPointer(rebasing: bytes[range])))
    case .body(let range):
      let body = try StepBody(bytes, range, keyField: nil, hasNextField: 2)
      return .body(RunStepResponseBody(hasNext: body.hasNext, chunk: body.chunk))
    }
  }

  /// Encodes a head completely, and a body except for its chunk.
  public func encoded<R>(_ body: (EncodedMessage) throws -> R) rethrows -> R {
    let arena = Arena(capacity: 4096)
    return try withExtendedLifetime(arena) {
      switch self {
      case .head(let head):
        let message = arena.make(Gs__Rpc__RunStepResponse.self)
        message.pointee.value_case = GS__RPC__RUN_STEP_RESPONSE__VALUE_HEAD
        message.pointee.head = head.build(in: arena)
        return try body(EncodedMessage(message))
      case .body(let part):
        return try body(encodedBody(part.hasNext ? [0x10, 1] : [], chunkByteCount: part.chunk.count))
      }
    }
  }
}

extension RunStepRequestHead: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__RunStepRequestHead>) throws(WireError) {
    sessionID = try text(c.pointee.session_id, "RunStepRequestHead.session_id")
    let dag: UnsafeMutablePointer<Gs__Rpc__DagDef>? = c.pointee.dag_def
    self.dag = if let dag { try DagDef(reading: dag) } else { DagDef() }
  }

  func fill(_ c: inout Gs__Rpc__RunStepRequestHead, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.dag_def = dag.build(in: arena)
  }
}

extension RunStepResponseHead: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__RunStepResponseHead>) throws(WireError) {
    results = try messages(c.pointee.n_results, c.pointee.results)
    code = try enumeration(c.pointee.code.rawValue, "RunStepResponseHead.code")
    errorMessage = try text(c.pointee.error_msg, "RunStepResponseHead.error_msg")
    exception = bytes(c.pointee.full_exception)
  }

  func fill(_ c: inout Gs__Rpc__RunStepResponseHead, in arena: Arena) {
    (c.n_results, c.results) = (results.count, arena.messages(results))
    c.code = Gs__Rpc__Code(number(code))
    c.error_msg = arena.text(errorMessage)
    c.full_exception = arena.bytes(exception)
  }
}

/// The part of a step that a message carries, and its position in the message.
private enum StepPart {
  case head(Range<Int>)
  case body(Range<Int>)

  init(of message: StaticString, _ bytes: UnsafeRawBufferPointer) throws(WireError) {
    var reader = WireReader(bytes)
    var part: StepPart?
    while reader.offset < bytes.count {
      let tag = try reader.tag(end: bytes.count)
      guard tag.type == .bytes, tag.field <= 2 else {
        try reader.skip(tag.type, end: bytes.count)
        continue
      }
      guard part == nil else {
        throw WireError(.malformed, "A message contains more than one part of a step.", evidence: "\(message)")
      }
      let count = try reader.length(end: bytes.count)
      let range = reader.offset..<reader.offset + count
      _ = reader.take(count)
      part = tag.field == 1 ? .head(range) : .body(range)
    }
    guard let part else {
      throw WireError(
        .missing, "A message of a step contains neither a head nor a body.",
        evidence: "\(message), \(bytes.count) bytes")
    }
    self = part
  }
}

/// The fields of a body. The chunk is field 1 in both directions.
private struct StepBody {
  var key = ""
  var hasNext = false
  var chunk = 0..<0

  init(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, keyField: UInt32?, hasNextField: UInt32
  ) throws(WireError) {
    var reader = WireReader(bytes, at: range.lowerBound)
    let end = range.upperBound
    while reader.offset < end {
      let tag = try reader.tag(end: end)
      switch (tag.field, tag.type) {
      case (1, .bytes):
        let count = try reader.length(end: end)
        chunk = reader.offset..<reader.offset + count
        _ = reader.take(count)
      case (hasNextField, .varint): hasNext = try reader.varint(end: end) != 0
      case (keyField, .bytes):
        let utf8 = reader.take(try reader.length(end: end))
        guard let text = String(validating: utf8, as: UTF8.self), !utf8.contains(0) else {
          throw WireError(
            .invalidText, "A string is not UTF-8, or contains a NUL character.", evidence: "RunStepRequestBody.op_key")
        }
        key = text
      default: try reader.skip(tag.type, end: end)
      }
    }
  }
}

/// Encodes a body with its chunk last, so that everything else can be written before it. Parsers accept fields in any order.
private func encodedBody(_ fields: [UInt8], chunkByteCount: Int) -> EncodedMessage {
  let chunkHeader = chunkByteCount == 0 ? [] : [0x0a] + varint(chunkByteCount)
  let content = fields + chunkHeader
  return EncodedMessage(
    [0x12] + varint(content.count + chunkByteCount) + content, payloadByteCount: chunkByteCount)
}

/// Returns a base-128 varint, lowest digits first.
private func varint(_ value: Int) -> [UInt8] {
  var rest = UInt64(value)
  var bytes: [UInt8] = []
  while rest >= 0x80 {
    bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
    rest >>= 7
  }
  return bytes + [UInt8(rest)]
}
