import Engines
import FoundationEssentials
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
      try instance(java).frontEnd(deadline: .seconds(1)) { _ in true }.arguments
    }
    #expect(try arguments("17.0.1").contains("--add-opens=java.base/java.nio=ALL-UNNAMED"))
    #expect(try !arguments("1.8.0_402").contains { $0.hasPrefix("--add-opens") })
    #expect(
      try arguments("17.0.1").contains("/w/engines/interactive-7:/gs/lib/*"),
      "Java, not a shell, finds the archives")
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

  @Test("A Gremlin server is ready when it answers the query, not when it answers")
  func probe() {
    #expect(GremlinProbe.isSuccess(#"{"requestId":"x","status":{"message":"","code":200,"attributes":{}}}"#))
    #expect(GremlinProbe.isSuccess(#"{"status":{"code":{"@type":"g:Int32","@value":204}}}"#))
    #expect(!GremlinProbe.isSuccess(#"{"status":{"message":"no such graph","code":597}}"#))
    #expect(!GremlinProbe.isSuccess(""))
    let frame = GremlinProbe.frame(GremlinProbe.request)
    #expect(frame.count == 8 + GremlinProbe.request.count && frame[1] == 0xfe)
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
