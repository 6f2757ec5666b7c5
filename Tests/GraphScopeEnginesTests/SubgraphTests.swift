import Engines
import FoundationEssentials
import JSON
import NIOCore
import NIOPosix
import Testing
import Turns
import Vocabulary
import Wire

@testable import GraphScopeEngines

@Suite("Subgraphs", .takesTurns)
struct SubgraphTests {
  @Test("The client's operation is parsed: query, graph, type of ids, options")
  func words() throws {
    var attributes: [ParamKey: AttributeValue] = [
      .gieGremlinQueryMessage: .text("g.E()"), .vineyardID: .int(7), .oidType: .text("int32_t"),
      .gieGremlinRequestOptions: .text(#"{"evaluationTimeout":500}"#),
    ]
    func subgraph() throws -> Subgraph { try Subgraph(OpDef(key: "s", op: .subgraph, attributes: attributes)) }
    let read = try subgraph()
    #expect(read.query == "g.E()" && read.source == 7 && read.oidType == "int32_t")
    #expect(read.options.first?.value == .integer(500))
    #expect(read.creation(key: "s").attributes[.oidType]?.text == "int32_t")
    for type in ["int64", "int64_t", "long"] {
      attributes[.oidType] = .text(type)
      #expect(try subgraph().oidType == "int64_t")
    }
    for type in ["string", "std::string", "double"] {
      attributes[.oidType] = .text(type)
      #expect(throws: EngineError.self) { try subgraph() }
    }
    attributes[.oidType] = nil
    attributes[.gieGremlinRequestOptions] = .text("no JSON")
    #expect(throws: EngineError.self) { try subgraph() }
    attributes[.gieGremlinRequestOptions] = nil
    #expect(try subgraph().options.isEmpty)
    attributes[.gieGremlinQueryMessage] = nil
    #expect(throws: EngineError.self) { try subgraph() }
  }

  @Test("The name of a store's object has sixteen digits")
  func names() async throws {
    let object = try await withStore(
      answering: [registered, #"{"type":"create_data_reply","id":255,"signature":9}"#, #"{"type":"persist_reply"}"#]
    ) { socket in
      try await StoreConnection.open(socket) { store in
        try await store.create(StoreObject.Description(type: "vineyard::RecordBatchStream"))
      }
    }
    #expect(object.id == 255 && object.name == "o00000000000000ff")
  }

  @Test("Rejections, disconnections, malformed and oversized answers of a store are errors that name the cause")
  func refusals() async throws {
    for (answer, words) in [
      (#"{"code":12,"message":"failed to find name"}"#, "failed to find name"), ("no JSON", "not JSON"),
      ("", "not JSON"),
    ] {
      let error = await #expect(throws: EngineError.self) {
        try await withStore(answering: [registered, answer]) { socket in
          try await StoreConnection.open(socket) { store in
            _ = try await store.request("get_name_request", [("name", .string("n"))])
          }
        }
      }
      #expect(error?.message.contains(words) == true)
    }
    let absurd = await #expect(throws: EngineError.self) {
      try await withStore(answering: [], length: 1 << 40) { socket in try await StoreConnection.open(socket) { _ in } }
    }
    #expect(absurd?.message.contains("object store") == true)
    await #expect(throws: EngineError.self) { try await StoreConnection.open("/nonexistent/socket") { _ in } }
  }

  private let registered = #"{"type":"register_reply","instance_id":0}"#

  /// Runs a server on a Unix socket that answers each request with the next of `answers`, or announces `length` bytes.
  private func withStore<Result>(
    answering answers: [String], length: UInt64? = nil, _ body: (String) async throws -> Result
  ) async throws -> Result {
    let socket = FileManager.default.temporaryDirectory.path + "/store-\(UInt32.random(in: 0...UInt32.max))"
    let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Answers(rest: answers, length: length))
        }
      }
      .bind(unixDomainSocketPath: socket).get()
    do {
      let result = try await body(socket)
      try await server.close()
      try? FileManager.default.removeItem(atPath: socket)
      return result
    } catch {
      try await server.close()
      try? FileManager.default.removeItem(atPath: socket)
      throw error
    }
  }
}

/// Each request arrives complete in these tests, because requests are small and only one is outstanding at a time.
private final class Answers: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private var rest: [String]
  private let length: UInt64?

  init(rest: [String], length: UInt64?) { (self.rest, self.length) = (rest, length) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let text = rest.isEmpty ? "" : rest.removeFirst()
    var answer = ByteBuffer()
    answer.writeInteger(length ?? UInt64(text.utf8.count), endianness: .little)
    answer.writeString(text)
    context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
  }
}
