import Engines
import FoundationEssentials
import NIOCore
import Testing
import Wire

@testable import GraphScopeEngines

@Suite("Interactive and learning instances")
struct InstanceTests {
  private let commands = EngineCommands(
    installation: Installation(home: "/gs", engine: "/gs/bin/grape_engine"), directory: "/w/engines", shared: "/s",
    workers: 3, path: "/usr/bin")

  private func instance(
    _ java: String, schema: String = "/w/engines/graph_1.json", parameters: [String: String] = [:], cypher: Bool = true
  ) throws -> InteractiveInstance {
    try InteractiveInstance(
      QueryInstanceRequest(objectID: 7, schemaPath: schema, parameters: parameters, withCypher: cypher),
      commands: commands, java: .init(program: "/usr/bin/java", version: try #require(JavaVersion("j \"\(java)\""))))
  }

  @Test("Java 17 is opened to the Cypher server; Java 8 knows no such option")
  func openings() throws {
    func arguments(_ java: String) throws -> [String] {
      try instance(java).frontEnd(deadline: .seconds(1)) { true }.arguments
    }
    #expect(try arguments("17.0.1").contains("--add-opens=java.base/java.nio=ALL-UNNAMED"))
    #expect(try !arguments("1.8.0_402").contains { $0.hasPrefix("--add-opens") })
    #expect(try arguments("17.0.1").contains("/gs/lib/*"), "Java, not a shell, finds the archives")
  }

  @Test("Executor and front end agree on ports, and the parameters are in both files")
  func files() throws {
    let instance = try instance("17", parameters: ["query.timeout": "9"])
    let port = try #require(
      instance.executorProperties.split(separator: "\n").first { $0.hasPrefix("rpc.port") }?.split(separator: " ").last)
    #expect(instance.frontEndProperties.contains("pegasus.hosts = 127.0.0.1:\(port)\n"))
    #expect(instance.frontEndProperties.contains("pegasus.worker.num = 6\n"))
    for text in [instance.executorProperties, instance.frontEndProperties] { #expect(text.contains("query.timeout=9")) }
    #expect(!instance.endpoints.cypher.isEmpty)
    #expect(try self.instance("17", cypher: false).endpoints.cypher.isEmpty)
  }

  @Test("Neither files of others nor lines of their own get into the configuration")
  func hostile() {
    for schema in ["/etc/passwd", "/w/engines/../../etc/passwd", ""] {
      #expect(throws: EngineError.self) { try instance("17", schema: schema) }
    }
    #expect(throws: EngineError.self) { try instance("17", parameters: ["a": "1\ngraph.schema = /etc/passwd"]) }
  }

  @Test("A Gremlin server's answers: parts, the end, a refusal with its words, and what is none")
  func answers() {
    func answer(_ text: String) -> GremlinMessage.Answer? { GremlinMessage.answer(Array(text.utf8)) }
    #expect(answer(#"{"requestId":"x","status":{"message":"","code":200,"attributes":{}}}"#) == .complete)
    #expect(answer(#"{"status":{"code":{"@type":"g:Int32","@value":204}}}"#) == .complete)
    #expect(answer(#"{"status":{"code":206}}"#) == .partial)
    #expect(
      answer(#"{"status":{"message":"no such graph","code":597}}"#) == .failure(code: 597, words: "no such graph"))
    for text in ["", "{}", #"{"status":{}}"#, #"{"status":{"code":"200"}}"#] { #expect(answer(text) == nil) }
  }

  @Test("A Gremlin query has the options that servers know, typed, and no others")
  func request() throws {
    let bytes = GremlinMessage.request("g.E()", options: [("evaluationTimeout", .integer(5)), ("secret", .bool(true))])
    let kind = String(decoding: bytes[1...Int(bytes[0])], as: UTF8.self)
    #expect(kind == "application/vnd.gremlin-v3.0+json")
    let text = String(decoding: bytes[(Int(bytes[0]) + 1)...], as: UTF8.self)
    let arguments = try #require(try JSONValue(parsing: text)["args"]?["@value"]?.elements)
    #expect(arguments.contains(.string("g.E()")))
    let timeout = try #require(arguments.firstIndex(of: .string("evaluationTimeout")))
    #expect(arguments[timeout + 1]["@value"] == .integer(5))
    #expect(!arguments.contains(.string("secret")))
  }

  @Test("A Cypher server has answered when all requests succeeded, however its bytes are cut")
  func cypher() {
    let success = CypherProbe.chunked([0xb1, 0x70, 0xa0])
    let all = [0, 0, 4, 4] + success + [0, 0] + success + success + CypherProbe.chunked([0xb1, 0x71, 0x90]) + success
    for count in 0..<all.count { #expect(CypherProbe.isAnswered(ByteBuffer(bytes: all.prefix(count))) == nil) }
    #expect(CypherProbe.isAnswered(ByteBuffer(bytes: all)) == true)
    let failure = CypherProbe.chunked([0xb1, 0x7f, 0xa0])
    #expect(CypherProbe.isAnswered(ByteBuffer(bytes: [0, 0, 4, 4] + success + failure)) == false)
    #expect(CypherProbe.isAnswered(ByteBuffer(bytes: [0, 0, 0, 0])) == false, "it speaks another version")
  }

  @Test("Learning servers find each other in the handle; all else in it stays")
  func handle() throws {
    let handle = Data(#"{"vineyard_id":7,"client_count":1,"server":"old"}"#.utf8).base64EncodedString()
    let completed = try NativeLearningEngine.completed(handle, servers: ["localhost:1", "localhost:2"])
    let json = String(decoding: try #require(Data(base64Encoded: completed)), as: UTF8.self)
    #expect(json == #"{"vineyard_id":7,"client_count":1,"server":"localhost:1,localhost:2"}"#)
    #expect(throws: EngineError.self) { try NativeLearningEngine.completed("%%%", servers: []) }
  }
}
