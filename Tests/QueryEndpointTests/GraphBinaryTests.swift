import Foundation
import JSON
import NIOCore
import QueryAlgebra
import QueryValues
import Testing

@testable import QueryEndpoint

@Suite("GraphBinary and GraphSON")
struct GraphBinaryTests {
  static let id = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))

  private static func binaryReader(_ bytes: ByteBuffer) -> GraphBinaryReader {
    GraphBinaryReader(bytes, maximumNesting: 128, maximumElements: 10_000)
  }

  /// Values that are the same after they were written and read. Dates become instants.
  private static let values: [Value] = [
    .null, .boolean(false), .integer(.max), .integer32(.min), .float(-0.5), .float(.infinity), .float32(0.25),
    .string(""), .string("grün"), .list([.integer(1), .null, .list([])]), .set([.string("a"), .integer(2)]),
    .map(ValueMap([("a", .map(ValueMap()))])), .token(.id), .token(.in), .vertex(Vertex(id: 1)),
    .edge(Edge(id: 9, source: Vertex(id: 1), target: Vertex(id: 3))),
    .temporal(.dateTime(ZonedDateTime(seconds: -2, nanoseconds: 250_000_000, offset: 0, zone: nil))),
  ]

  @Test("What was written in GraphBinary is read", arguments: values)
  func graphBinary(_ value: Value) throws {
    let writer = GraphBinaryWriter(ElementNames(FixedGraph()), hasProperties: false, maximumNesting: 8)
    var bytes = ByteBuffer()
    try writer.write(value, into: &bytes)
    var reader = Self.binaryReader(bytes)
    let read = try #require(try reader.value().plain)
    #expect(reader.isAtEnd)
    #expect(GroupingKey(read) == GroupingKey(value))
  }

  @Test("What was written in GraphSON 3 is read", arguments: values)
  func graphSON(_ value: Value) throws {
    let writer = GraphSONWriter(
      ElementNames(FixedGraph()), isVersion3: true, hasProperties: false, maximumNesting: 8)
    var reader = GraphSONReader()
    let read = try #require(try reader.value(try writer.json(value)).plain)
    #expect(GroupingKey(read) == GroupingKey(value))
  }

  @Test("References have a null of two bytes where properties would be")
  func references() throws {
    let writer = GraphBinaryWriter(ElementNames(FixedGraph()), hasProperties: false, maximumNesting: 8)
    var bytes = ByteBuffer()
    try writer.write(.vertex(Vertex(id: 1)), into: &bytes)
    #expect(
      Array(bytes.readableBytesView)
        == [0x11, 0, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 6] + Array("person".utf8) + [0xfe, 0x01])
  }

  @Test("Elements have their properties when they are asked for")
  func properties() throws {
    let names = ElementNames(FixedGraph())
    let edge = Value.edge(Edge(id: 9, source: Vertex(id: 1), target: Vertex(id: 3)))
    let writer = GraphSONWriter(names, isVersion3: true, hasProperties: true, maximumNesting: 8)
    #expect(try writer.json(edge).encoded.contains(#""weight":{"@type":"g:Property""#))
    #expect(try writer.json(.vertex(Vertex(id: 1))).encoded.contains(#""id":"1/age""#))
    var bytes = ByteBuffer()
    try GraphBinaryWriter(names, hasProperties: true, maximumNesting: 8).write(edge, into: &bytes)
    var reader = Self.binaryReader(bytes)
    #expect(GroupingKey(try #require(try reader.value().plain)) == GroupingKey(edge))
    #expect(reader.isAtEnd)
  }

  @Test(
    "Numbers of other widths are read, or refused by name",
    arguments: [
      ([0x23, 0, 0, 0, 0, 2, 0, 0x80], "integer(128)"), ([0x23, 0, 0, 0, 0, 1, 0x80], "integer(-128)"),
      ([0x23, 0, 0, 0, 0, 9, 0, 0xff, 0, 0, 0, 0, 0, 0, 0], "refused"), ([0x26, 0, 0xff, 0xfe], "integer32(-2)"),
      ([0x24, 0, 0x80], "integer32(-128)"), ([0x22, 0, 0, 0, 0, 1, 0, 0, 0, 1, 15], "float(1.5)"),
      ([0x80, 0, 0xc3, 0xa4], #"string("ä")"#), ([0x25, 0, 0, 0, 0, 1, 7], "refused"),
    ] as [([UInt8], String)])
  func numbers(_ bytes: [UInt8], _ expected: String) throws {
    var reader = Self.binaryReader(ByteBuffer(bytes: bytes))
    let value = try #require(try reader.value().plain)
    #expect(reader.isAtEnd)
    #expect(
      reader.problem == nil ? "\(value)".replacing("QueryValues.Value.", with: "") == expected : expected == "refused")
  }

  @Test(
    "Bytes that are no value are rejected",
    arguments: [
      ([], "ends inside"), ([0x02, 0, 1], "ends inside"), ([0x2b, 0], "not supported"), ([0x21, 0], "not supported"),
      ([0x03, 0, 0xff, 0xff, 0xff, 0xff], "ends inside"), ([0x09, 0, 0x7f, 0xff, 0xff, 0xff], "ends inside"),
      (Array(repeating: [0x09, 0, 0, 0, 0, 1], count: 200).flatMap { $0 } + [0xfe, 1], "nested"),
      ([0x20, 0, 0x01, 0], "constant"),
      ([0x2a, 0, 0, 0, 0, 1, 0xfe, 1, 0x7f, 0, 0, 0, 0, 0, 0, 0], "too many"),
    ] as [([UInt8], String)])
  func rejects(_ bytes: [UInt8], _ reason: String) {
    var reader = Self.binaryReader(ByteBuffer(bytes: bytes))
    #expect { _ = try reader.value() } throws: { ($0 as? GremlinFormatError)?.reason.contains(reason) == true }
  }

  // MARK: Requests

  /// A request in GraphBinary, as drivers frame it.
  static func request(_ operation: String, _ processor: String, _ arguments: [(String, [UInt8])]) -> ByteBuffer {
    var bytes = ByteBuffer(bytes: [0x20] + Array(GremlinFormat.graphBinary.name.utf8) + [0x81])
    bytes.writeUUIDBytes(id)
    bytes.writeText(operation)
    bytes.writeText(processor)
    bytes.writeInteger(Int32(arguments.count))
    for (name, value) in arguments {
      bytes.writeQualified(name)
      bytes.writeBytes(value)
    }
    return bytes
  }

  static func text(_ text: String) -> [UInt8] {
    var bytes = ByteBuffer()
    bytes.writeQualified(text)
    return Array(bytes.readableBytesView)
  }

  private static func operation(_ message: ByteBuffer) throws -> GremlinRequest.Operation {
    let (request, format) = try GremlinRequestReader(limits: QueryEndpointLimits()).request(binary: message)
    #expect(request.id == id && format == .graphBinary)
    return request.operation
  }

  @Test("A script is read with its settings")
  func script() throws {
    let operation = try Self.operation(
      Self.request(
        "eval", "",
        [
          ("gremlin", Self.text("g.V()")), ("batchSize", [0x01, 0, 0, 0, 0, 7]),
          ("evaluationTimeout", [0x02, 0, 0, 0, 0, 0, 0, 0, 3, 0xe8]), ("materializeProperties", Self.text("all")),
        ]))
    guard case .query(let statement, let settings) = operation, case .gremlin("g.V()") = statement.body else {
      Issue.record("\(operation)")
      return
    }
    #expect(statement.timeout == .seconds(1))
    #expect(settings == GremlinRequest.Settings(batchSize: 7, hasTraversers: false, hasProperties: true))
  }

  @Test("A traversal is read from bytecode")
  func bytecode() throws {
    // One step, V with the number 1, and no source instruction.
    let bytes: [UInt8] = [0x15, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x56, 0, 0, 0, 1, 0x01, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    let operation = try Self.operation(Self.request("bytecode", "traversal", [("gremlin", bytes)]))
    guard case .query(let statement, let settings) = operation, case .bytecode(let bytecode) = statement.body,
      case .value(.integer32(1))? = bytecode.steps.first?.arguments.first
    else {
      Issue.record("\(operation)")
      return
    }
    #expect(bytecode.steps.map(\.name) == ["V"] && bytecode.source.isEmpty && settings.hasTraversers)
  }

  @Test("Credentials are read from SASL PLAIN")
  func credentials() throws {
    let sasl = Data("\0marko\0secret".utf8).base64EncodedString()
    let operation = try Self.operation(Self.request("authentication", "traversal", [("sasl", Self.text(sasl))]))
    guard case .authentication(let credentials) = operation else {
      Issue.record("\(operation)")
      return
    }
    #expect(credentials == QueryCredentials(scheme: "basic", principal: "marko", credentials: "secret"))
  }

  @Test("Requests that cannot be carried out are rejected with a status")
  func rejections() throws {
    let alias: [UInt8] = [0x0a, 0, 0, 0, 0, 1] + Self.text("g") + Self.text("h")
    let cases: [(ByteBuffer, GremlinStatus.Code, String)] = [
      (Self.request("eval", "", []), .invalidArguments, "gremlin"),
      (
        Self.request("eval", "", [("gremlin", Self.text("1")), ("language", Self.text("groovier"))]), .invalidArguments,
        "language"
      ),
      (
        Self.request("eval", "", [("gremlin", Self.text("1")), ("aliases", alias)]), .invalidArguments,
        "traversal source"
      ),
      (
        Self.request("eval", "", [("gremlin", Self.text("1")), ("batchSize", [0x01, 0, 0, 0, 0, 0])]),
        .invalidArguments, "batchSize"
      ),
      (Self.request("keys", "traversal", []), .invalidArguments, "keys"),
      (Self.request("authentication", "", [("sasl", Self.text("x"))]), .invalidArguments, "sasl"),
      (Self.request("eval", "", [("gremlin", [0x2b, 0])]), .malformedRequest, "0x2b"),
    ]
    for (message, code, word) in cases {
      guard case .rejected(code, let why) = try Self.operation(message) else {
        Issue.record("\(word) is accepted")
        continue
      }
      #expect(why.contains(word), "\(why)")
    }
  }
}
