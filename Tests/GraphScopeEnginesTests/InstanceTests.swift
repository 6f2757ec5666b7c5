import Engines
import FoundationEssentials
import JSON
import NIOCore
import Testing
import Wire

@testable import GraphScopeEngines

@Suite("Interactive and learning instances")
struct InstanceTests {
  private let commands = EngineCommands(
    installation: Installation(home: "/gs", engine: "/gs/bin/grape_engine"), directory: "/w/engines", shared: "/s",
    hosts: WorkerHosts(here: 3), path: "/usr/bin")

  private func instance(
    _ java: String, schema: String = "/w/engines/graph_1.json", parameters: [String: String] = [:], cypher: Bool = true
  ) throws -> InteractiveInstance {
    try InteractiveInstance(
      QueryInstanceRequest(objectID: 7, schemaPath: schema, parameters: parameters, withCypher: cypher),
      commands: commands, java: .init(program: "/usr/bin/java", version: try #require(JavaVersion("j \"\(java)\""))))
  }

  @Test("Java 17 opens its modules to the Cypher server; Java 8 has no such option")
  func openings() throws {
    func arguments(_ java: String) throws -> [String] {
      try instance(java).frontEnd(deadline: .seconds(1)) { true }.arguments
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
      instance.executors.properties(instance.executors.all[0]).split(separator: "\n").first {
        $0.hasPrefix("rpc.port")
      }?.split(separator: " ").last)
    #expect(instance.frontEndProperties.contains("pegasus.hosts = 127.0.0.1:\(port)\n"))
    #expect(instance.frontEndProperties.contains("pegasus.worker.num = 6\n"))
    for text in [instance.executors.properties(instance.executors.all[0]), instance.frontEndProperties] {
      #expect(text.contains("query.timeout=9"))
    }
    #expect(!instance.endpoints.cypher.isEmpty)
    #expect(try self.instance("17", cypher: false).endpoints.cypher.isEmpty)
  }

  @Test("A request can add neither foreign files nor lines to the configuration")
  func hostile() {
    for schema in ["/etc/passwd", "/w/engines/../../etc/passwd", ""] {
      #expect(throws: EngineError.self) { try instance("17", schema: schema) }
    }
    #expect(throws: EngineError.self) { try instance("17", parameters: ["a": "1\ngraph.schema = /etc/passwd"]) }
  }

  @Test("Answers of a Gremlin server are decoded: parts, the end, an error with its message, and malformed ones")
  func answers() {
    func answer(_ text: String) -> GremlinMessage.Answer? { GremlinMessage.answer(Array(text.utf8)) }
    #expect(answer(#"{"requestId":"x","status":{"message":"","code":200,"attributes":{}}}"#) == .complete)
    #expect(answer(#"{"status":{"code":{"@type":"g:Int32","@value":204}}}"#) == .complete)
    #expect(answer(#"{"status":{"code":206}}"#) == .partial)
    #expect(
      answer(#"{"status":{"message":"no such graph","code":597}}"#) == .failure(code: 597, words: "no such graph"))
    for text in ["", "{}", #"{"status":{}}"#, #"{"status":{"code":"200"}}"#] { #expect(answer(text) == nil) }
  }

  @Test("A Gremlin query has the options that servers support, typed, and no others")
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

  @Test("A Cypher server has answered when all requests succeeded, however its bytes are split")
  func cypher() {
    let success = CypherProbe.chunked([0xb1, 0x70, 0xa0])
    let all = [0, 0, 4, 4] + success + [0, 0] + success + success + CypherProbe.chunked([0xb1, 0x71, 0x90]) + success
    for count in 0..<all.count { #expect(CypherProbe.isAnswered(ByteBuffer(bytes: all.prefix(count))) == nil) }
    #expect(CypherProbe.isAnswered(ByteBuffer(bytes: all)) == true)
    let failure = CypherProbe.chunked([0xb1, 0x7f, 0xa0])
    #expect(CypherProbe.isAnswered(ByteBuffer(bytes: [0, 0, 4, 4] + success + failure)) == false)
    #expect(CypherProbe.isAnswered(ByteBuffer(bytes: [0, 0, 0, 0])) == false, "it speaks another version")
  }

  private var python: PythonEnvironment {
    get throws {
      var installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
      (installation.python, installation.packages) = ("/py/bin/python", "/py/packages")
      return try PythonEnvironment(
        EngineCommands(
          installation: installation, directory: "/w", shared: "/s", hosts: WorkerHosts(here: 3), path: "/usr/bin"))
    }
  }

  private func request(_ backend: LearningInstanceRequest.Backend, _ handle: String) -> LearningInstanceRequest {
    LearningInstanceRequest(
      objectID: 7, handle: Data(handle.utf8).base64EncodedString(), configuration: "Yw==", backend: backend)
  }

  private func handle(of program: ChildProgram) throws -> JSONValue {
    try JSONValue(parsing: String(decoding: try #require(Data(base64Encoded: program.arguments[2])), as: UTF8.self))
  }

  @Test("graphlearn's servers find each other through the handle, whose other contents are unchanged")
  func graphlearn() throws {
    let servers = try SamplingServers.graphlearn(
      request(.graphlearn, #"{"vineyard_id":7,"client_count":1,"server":"old"}"#), python)
    #expect(servers.endpoints.count == 3)
    let handle = try handle(of: servers.programs[2])
    #expect(
      handle.encoded
        == #"{"vineyard_id":7,"client_count":1,"server":"\#(servers.endpoints.joined(separator: ","))"}"#)
    #expect(servers.programs.map { $0.arguments.last } == ["0", "1", "2"])
    #expect(throws: EngineError.self) {
      try SamplingServers.graphlearn(
        LearningInstanceRequest(objectID: 7, handle: "%%%", configuration: "", backend: .graphlearn), python)
    }
  }

  @Test("graphlearn-torch's first server has the port and is started last, and no server receives the client's files")
  func graphlearnTorch() throws {
    let servers = try SamplingServers.graphlearnTorch(
      request(.graphlearnTorch, #"{"num_servers":3,"manifest":"m","client_content":{"a.py":"x"}}"#), python)
    #expect(servers.endpoints.count == 4 && Set(servers.endpoints).count == 4)
    #expect(servers.programs.map { $0.arguments.last } == ["2", "1", "0"])
    let port = try #require(servers.endpoints[0].split(separator: ":").last)
    for program in servers.programs {
      #expect(
        try handle(of: program).encoded
          == #"{"num_servers":3,"server_client_master_port":\#(port),"master_addr":"localhost"}"#)
      #expect(program.arguments[1] == "gscoordinator.launch_graphlearn_torch" && program.arguments[3] == "Yw==")
      if case .port(let number) = program.readiness { #expect("\(number)" == port && program.arguments.last == "0") }
    }
  }
}
