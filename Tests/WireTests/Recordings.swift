import CGraphScopeProto
import Foundation
import Testing
import Turns

@testable import Wire

/// The recordings of the real client against the reference coordinator. They are outside the package: in `../shared` next to it,
/// or in the directory that `GSC_SHARED` names.
enum Recordings {
  static let folder: URL? = {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let shared =
      ProcessInfo.processInfo.environment["GSC_SHARED"].map { URL(filePath: $0) }
      ?? package.deletingLastPathComponent().appending(path: "shared")
    let traces = shared.appending(path: "contract/traces")
    return FileManager.default.fileExists(atPath: traces.path) ? traces : nil
  }()

  struct Frame {
    var method: String
    var isRequest: Bool
    var bytes: [UInt8]
  }

  /// Returns all messages of all recordings. Python decompresses them, because Swift's libraries have no gzip.
  static func frames() throws -> [Frame] {
    let script = """
      import base64, glob, gzip, json, struct, sys
      for path in sorted(glob.glob(sys.argv[1] + "/*.jsonl.gz")):
          for line in gzip.open(path, "rt"):
              frame = json.loads(line)
              if frame["kind"] != "message": continue
              name = frame["method"].rsplit("/", 1)[1].encode()
              data = base64.b64decode(frame["data"])
              sys.stdout.buffer.write(struct.pack("<BBI", len(name), frame["dir"] == "c2s", len(data)) + name + data)
      """
    let output = try runPython(script, [try #require(folder).path])
    var frames: [Frame] = []
    var rest = output[...]
    while !rest.isEmpty {
      let header = Array(rest.prefix(6))
      let nameCount = Int(header[0])
      let count = Int(header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 2, as: UInt32.self) })
      rest = rest.dropFirst(6)
      let name = String(decoding: rest.prefix(nameCount), as: UTF8.self)
      rest = rest.dropFirst(nameCount)
      frames.append(Frame(method: name, isRequest: header[1] == 1, bytes: Array(rest.prefix(count))))
      rest = rest.dropFirst(count)
    }
    return frames
  }
}

/// Runs a script and returns its output. `GSC_PYTHON` names the interpreter, for example one with the real client.
func runPython(_ script: String, _ arguments: [String] = [], input: [UInt8] = []) throws -> [UInt8] {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [ProcessInfo.processInfo.environment["GSC_PYTHON"] ?? "python3", "-c", script] + arguments
  let output = Pipe()
  let source = Pipe()
  process.standardOutput = output
  process.standardInput = source
  try process.run()
  try source.fileHandleForWriting.write(contentsOf: Data(input))
  try source.fileHandleForWriting.close()
  let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  #expect(process.terminationStatus == 0)
  return Array(bytes)
}

@Suite("Recorded traffic between the real client and the reference server", .takesTurns)
struct RecordingsTests {
  static let present = Recordings.folder != nil

  @Test("is decoded completely, and encoded to the same fields", .enabled(if: present, "no ../shared/contract"))
  func roundTrip() throws {
    let frames = try Recordings.frames()
    #expect(frames.count > 3000)
    for frame in frames {
      let type = try #require(messageType(frame.method, isRequest: frame.isRequest))
      try type.check(frame.bytes)
    }
  }
}

@Suite("The comparison of fields on the wire", .takesTurns)
struct FieldComparisonTests {
  @Test("detects missing and different fields, but ignores the order of attributes and zeros")
  func comparison() throws {
    let type = Gs__Rpc__RunStepRequest.descriptor
    func step(_ attributes: [UInt8]) -> [UInt8] { Raw.step(Raw.field(2, [0x6b]) + attributes) }
    func attribute(_ key: UInt64, _ value: UInt64) -> [UInt8] {
      Raw.field(6, Raw.number(1, key) + Raw.field(2, Raw.number(3, value)))
    }
    let both = try fields(step(attribute(0, 5) + attribute(3, 6)), type)
    #expect(both.count == 4)
    #expect(try fields(step(attribute(3, 6) + attribute(0, 5) + Raw.field(7, [])), type) == both)
    #expect(try fields(step(attribute(0, 5)), type) != both)
    #expect(try fields(step(attribute(0, 5) + attribute(3, 7)), type) != both)
  }
}

/// Decodes a message, encodes it, decodes it again, and compares the values and the fields on the wire.
private struct Check {
  var check: ([UInt8]) throws -> Void

  init<M: WireMessage>(_: M.Type, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) {
    check = { bytes in
      let message = try M.decode(bytes)
      let encoded = wholeMessage(message, received: bytes)
      #expect(try equal(M.decode(encoded), message))
      #expect(try fields(encoded, descriptor) == fields(bytes, descriptor))
    }
  }
}

/// Chunks have other positions in our messages, so only their sizes are compared.
private func equal<M: WireMessage>(_ one: M, _ other: M) throws -> Bool {
  func normal(_ message: M) -> M {
    switch message {
    case RunStepRequest.body(var body) as RunStepRequest:
      body.chunk = 0..<body.chunk.count
      return (RunStepRequest.body(body) as? M) ?? message
    case RunStepResponse.body(var body) as RunStepResponse:
      body.chunk = 0..<body.chunk.count
      return (RunStepResponse.body(body) as? M) ?? message
    default: return message
    }
  }
  return normal(one) == normal(other)
}

/// Returns the message as transmitted: the encoded part, followed by the chunk, if there is one.
func wholeMessage<M: WireMessage>(_ message: M, received: [UInt8]) -> [UInt8] {
  switch message {
  case RunStepRequest.body(let body) as RunStepRequest: message.encodedBytes + received[body.chunk]
  case RunStepResponse.body(let body) as RunStepResponse: message.encodedBytes + received[body.chunk]
  default: message.encodedBytes
  }
}

private func messageType(_ method: String, isRequest: Bool) -> Check? {
  switch (method, isRequest) {
  case ("ConnectSession", true): Check(ConnectSessionRequest.self, ConnectSessionRequest.C.descriptor)
  case ("ConnectSession", false): Check(ConnectSessionResponse.self, ConnectSessionResponse.C.descriptor)
  case ("HeartBeat", true): Check(HeartBeatRequest.self, HeartBeatRequest.C.descriptor)
  case ("HeartBeat", false): Check(HeartBeatResponse.self, HeartBeatResponse.C.descriptor)
  case ("RunStep", true): Check(RunStepRequest.self, Gs__Rpc__RunStepRequest.descriptor)
  case ("RunStep", false): Check(RunStepResponse.self, Gs__Rpc__RunStepResponse.descriptor)
  case ("FetchLogs", true): Check(FetchLogsRequest.self, FetchLogsRequest.C.descriptor)
  case ("FetchLogs", false): Check(FetchLogsResponse.self, FetchLogsResponse.C.descriptor)
  case ("CloseSession", true): Check(CloseSessionRequest.self, CloseSessionRequest.C.descriptor)
  case ("CloseSession", false): Check(CloseSessionResponse.self, CloseSessionResponse.C.descriptor)
  case ("AddLib", true): Check(AddLibRequest.self, AddLibRequest.C.descriptor)
  case ("AddLib", false): Check(AddLibResponse.self, AddLibResponse.C.descriptor)
  case ("CreateAnalyticalInstance", true):
    Check(CreateAnalyticalInstanceRequest.self, CreateAnalyticalInstanceRequest.C.descriptor)
  case ("CreateAnalyticalInstance", false):
    Check(CreateAnalyticalInstanceResponse.self, CreateAnalyticalInstanceResponse.C.descriptor)
  case ("CreateInteractiveInstance", true):
    Check(CreateInteractiveInstanceRequest.self, CreateInteractiveInstanceRequest.C.descriptor)
  case ("CreateInteractiveInstance", false):
    Check(CreateInteractiveInstanceResponse.self, CreateInteractiveInstanceResponse.C.descriptor)
  case ("CreateLearningInstance", true):
    Check(CreateLearningInstanceRequest.self, CreateLearningInstanceRequest.C.descriptor)
  case ("CreateLearningInstance", false):
    Check(CreateLearningInstanceResponse.self, CreateLearningInstanceResponse.C.descriptor)
  case ("CloseAnalyticalInstance", true):
    Check(CloseAnalyticalInstanceRequest.self, CloseAnalyticalInstanceRequest.C.descriptor)
  case ("CloseAnalyticalInstance", false):
    Check(CloseAnalyticalInstanceResponse.self, CloseAnalyticalInstanceResponse.C.descriptor)
  case ("CloseInteractiveInstance", true):
    Check(CloseInteractiveInstanceRequest.self, CloseInteractiveInstanceRequest.C.descriptor)
  case ("CloseInteractiveInstance", false):
    Check(CloseInteractiveInstanceResponse.self, CloseInteractiveInstanceResponse.C.descriptor)
  case ("CloseLearningInstance", true):
    Check(CloseLearningInstanceRequest.self, CloseLearningInstanceRequest.C.descriptor)
  case ("CloseLearningInstance", false):
    Check(CloseLearningInstanceResponse.self, CloseLearningInstanceResponse.C.descriptor)
  default: nil
  }
}

/// Returns every field of a message with its path and bytes, sorted. Fields that an encoder may write or omit, empty messages and
/// zeros, are left out.
private func fields(_ bytes: [UInt8], _ type: UnsafePointer<ProtobufCMessageDescriptor>) throws -> [String] {
  var result: [String] = []
  func walk(_ bytes: [UInt8], _ type: UnsafePointer<ProtobufCMessageDescriptor>, _ path: String) throws {
    try bytes.withUnsafeBytes { raw in
      var reader = WireReader(raw)
      var counts: [UInt32: Int] = [:]
      while reader.offset < raw.count {
        let tag = try reader.tag(end: raw.count)
        let field = UnsafeBufferPointer(start: type.pointee.fields, count: Int(type.pointee.n_fields))
          .first { $0.id == tag.field }
        let start = reader.offset
        try reader.skip(tag.type, end: raw.count)
        var value = Array(raw[start..<reader.offset])
        if tag.type == .bytes {
          value = value.withUnsafeBytes { inner in
            var reader = WireReader(inner)
            let count = (try? reader.length(end: inner.count)) ?? 0
            return Array(reader.take(count))
          }
        }
        let index = counts[tag.field, default: 0]
        counts[tag.field] = index + 1
        let inner = field.flatMap { UnsafePointer<ProtobufCMessageDescriptor>(OpaquePointer($0.descriptor)) }
        if let field, let inner, field.type == PROTOBUF_C_TYPE_MESSAGE {
          // Entries of a map have no order: their position is their key.
          let isEntry = String(cString: inner.pointee.name).hasSuffix("Entry")
          let place = isEntry ? try fields(value, inner).first { $0.hasPrefix(".1[0]=") } ?? "zero" : "\(index)"
          try walk(value, inner, "\(path).\(tag.field)[\(place)]")
        } else if value.contains(where: { $0 != 0 }) {
          result.append("\(path).\(tag.field)[\(index)]=\(value)")
        }
      }
    }
  }
  try walk(bytes, type, "")
  return result.sorted()
}
