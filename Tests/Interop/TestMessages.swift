import GRPC
import NIOCore
import ProtobufFields

/// A message of `testing.proto`.
protocol TestMessage: Sendable {
  init()
  mutating func read(_ number: Int, _ value: ProtobufReader.Value) throws
  func write(_ writer: inout ProtobufWriter)
}

extension TestMessage {
  init(_ bytes: ArraySlice<UInt8>) throws {
    self.init()
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() { try read(field.number, field.value) }
  }

  /// The field's message.
  init(_ value: ProtobufReader.Value) throws { try self.init(value.bytes ?? []) }

  var encoded: [UInt8] {
    var writer = ProtobufWriter()
    write(&writer)
    return writer.bytes
  }
}

extension MessageDecoder where Message: TestMessage {
  static var test: MessageDecoder { MessageDecoder { try Message(Array($0.readableBytesView)[...]) } }
}

extension MessageEncoder where Message: TestMessage {
  static var test: MessageEncoder { MessageEncoder { $1.writeBytes($0.encoded) } }
}

struct Empty: TestMessage {
  func read(_ number: Int, _ value: ProtobufReader.Value) {}
  func write(_ writer: inout ProtobufWriter) {}
}

/// A payload of zeros: only its size means something.
struct Payload: TestMessage, Equatable {
  var size = 0

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) {
    if number == 2 { size = value.bytes?.count ?? 0 }
  }
  func write(_ writer: inout ProtobufWriter) { writer.bytes(2, [UInt8](repeating: 0, count: size)) }
}

struct BoolValue: TestMessage {
  var value = false

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) {
    if number == 1 { self.value = value.integer == 1 }
  }
  func write(_ writer: inout ProtobufWriter) { writer.integer(1, value ? 1 : 0) }
}

struct EchoStatus: TestMessage {
  var code = 0
  var message = ""

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) {
    if number == 1 { code = Int(value.integer ?? 0) }
    if number == 2 { message = value.text ?? "" }
  }
  func write(_ writer: inout ProtobufWriter) {
    writer.integer(1, Int64(code))
    writer.text(2, message)
  }
  /// The status that is to be answered.
  var status: GRPCStatus { GRPCStatus(GRPCStatus.Code(rawValue: code) ?? .unknown, message) }
}

struct SimpleRequest: TestMessage {
  var responseSize = 0
  var payload = Payload()
  var responseCompressed: BoolValue?
  var responseStatus: EchoStatus?
  var expectCompressed: BoolValue?

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) throws {
    switch number {
    case 2: responseSize = Int(value.integer ?? 0)
    case 3: payload = try Payload(value)
    case 6: responseCompressed = try BoolValue(value)
    case 7: responseStatus = try EchoStatus(value)
    case 8: expectCompressed = try BoolValue(value)
    default: break
    }
  }
  func write(_ writer: inout ProtobufWriter) {
    writer.integer(2, Int64(responseSize))
    writer.element(3, payload.encoded)
    if let responseCompressed { writer.element(6, responseCompressed.encoded) }
    if let responseStatus { writer.element(7, responseStatus.encoded) }
    if let expectCompressed { writer.element(8, expectCompressed.encoded) }
  }
}

/// `SimpleResponse` and `StreamingOutputCallResponse`, which are alike.
struct PayloadResponse: TestMessage {
  var payload = Payload()

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) throws {
    if number == 1 { payload = try Payload(value) }
  }
  func write(_ writer: inout ProtobufWriter) { writer.element(1, payload.encoded) }
}

struct StreamingInputCallRequest: TestMessage {
  var payload = Payload()
  var expectCompressed: BoolValue?

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) throws {
    if number == 1 { payload = try Payload(value) }
    if number == 2 { expectCompressed = try BoolValue(value) }
  }
  func write(_ writer: inout ProtobufWriter) {
    writer.element(1, payload.encoded)
    if let expectCompressed { writer.element(2, expectCompressed.encoded) }
  }
}

struct StreamingInputCallResponse: TestMessage {
  var aggregatedPayloadSize = 0

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) {
    if number == 1 { aggregatedPayloadSize = Int(value.integer ?? 0) }
  }
  func write(_ writer: inout ProtobufWriter) { writer.integer(1, Int64(aggregatedPayloadSize)) }
}

struct ResponseParameters: TestMessage {
  var size = 0
  var microseconds = 0
  var compressed: BoolValue?

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) throws {
    switch number {
    case 1: size = Int(value.integer ?? 0)
    case 2: microseconds = Int(value.integer ?? 0)
    case 3: compressed = try BoolValue(value)
    default: break
    }
  }
  func write(_ writer: inout ProtobufWriter) {
    writer.integer(1, Int64(size))
    writer.integer(2, Int64(microseconds))
    if let compressed { writer.element(3, compressed.encoded) }
  }
}

struct StreamingOutputCallRequest: TestMessage {
  var responses: [ResponseParameters] = []
  var payload = Payload()
  var responseStatus: EchoStatus?

  mutating func read(_ number: Int, _ value: ProtobufReader.Value) throws {
    switch number {
    case 2: responses.append(try ResponseParameters(value))
    case 3: payload = try Payload(value)
    case 7: responseStatus = try EchoStatus(value)
    default: break
    }
  }
  func write(_ writer: inout ProtobufWriter) {
    for response in responses { writer.element(2, response.encoded) }
    writer.element(3, payload.encoded)
    if let responseStatus { writer.element(7, responseStatus.encoded) }
  }
}
