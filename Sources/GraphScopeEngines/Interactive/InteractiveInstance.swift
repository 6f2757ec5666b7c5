import Engines
import FoundationEssentials

/// What the processes of one interactive instance are started with: files, ports, arguments.
struct InteractiveInstance: Sendable {
  /// A Java.
  struct Java: Sendable {
    var program: String
    var version: JavaVersion
  }

  private let request: QueryInstanceRequest
  private let commands: EngineCommands
  private let java: Java
  /// Ports of 127.0.0.1: for Gremlin, for Cypher.
  private let ports: (gremlin: UInt16, cypher: UInt16)
  /// What reads the graph.
  let executors: QueryExecutors

  /// How long the engine works on a query, in milliseconds.
  private static let defaultQueryTimeout: Int64 = 240_000

  /// Chooses ports that are free now.
  /// - Throws: `EngineError` when the request names what no file may hold.
  init(_ request: QueryInstanceRequest, commands: EngineCommands, java: Java) throws(EngineError) {
    self.request = request
    self.commands = commands
    self.java = java
    ports = (try freePort(), try freePort())
    executors = try QueryExecutors(request.objectID, commands, parameters: Self.lines(request.parameters))
    for (name, value) in request.parameters where (name + value).contains(where: \.isNewline) || name.contains("=") {
      throw EngineError(.invalidArgument, "the parameter '\(name.prefix(100))' of the instance is not in one line")
    }
    guard request.schemaPath.hasPrefix(commands.directory + "/"), !request.schemaPath.contains("/../") else {
      throw EngineError(
        .invalidArgument, "the schema of the graph is not a file of this session", evidence: request.schemaPath)
    }
  }

  static func frontEndName(_ objectID: Int64) -> String { "frontend-\(objectID)" }

  /// The instance's directory; with executors on other hosts, one that these have as well.
  static func directory(_ objectID: Int64, _ commands: EngineCommands) -> String {
    "\(commands.spread == nil ? commands.directory : commands.shared)/interactive-\(objectID)"
  }

  private var directory: String { Self.directory(request.objectID, commands) }
  /// Threads of each executor.
  var threads: Int { executors.threads }

  /// Where queries are answered.
  var endpoints: QueryEndpoints {
    QueryEndpoints(
      gremlin: "127.0.0.1:\(ports.gremlin)", cypher: request.withCypher ? "127.0.0.1:\(ports.cypher)" : "")
  }

  /// The way to the front end.
  var gremlin: GremlinConnection { GremlinConnection(port: ports.gremlin) }

  /// The front end's port for Cypher.
  var cypherPort: UInt16 { ports.cypher }

  /// How long the engine works on a query of which its client says nothing else.
  var queryTimeout: Duration {
    .milliseconds(request.parameters["pegasus.timeout"].flatMap(Int64.init) ?? Self.defaultQueryTimeout)
  }

  // MARK: Files

  private static func lines(_ parameters: [String: String]) -> String {
    parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
  }

  /// The front end's configuration.
  var frontEndProperties: String {
    """
    pegasus.worker.num = \(threads)
    pegasus.timeout = \(Self.defaultQueryTimeout)
    pegasus.batch.size = 1024
    pegasus.output.capacity = 16
    pegasus.hosts = \(executors.jobAddresses)
    graph.schema = \(request.schemaPath)
    gremlin.server.port = \(ports.gremlin)
    neo4j.bolt.server.disabled = \(!request.withCypher)
    neo4j.bolt.server.port = \(ports.cypher)
    graph.name = \(request.objectID)
    \(Self.lines(request.parameters))
    """
  }

  /// The configuration of the Cypher server in the front end. The one in the archives listens on all addresses.
  private static let cypherProperties = """
    dbms.default_listen_address=127.0.0.1
    dbms.connector.bolt.enabled=true
    dbms.connector.http.enabled=false
    dbms.connector.https.enabled=false
    dbms.security.auth_enabled=false

    """

  /// Writes the files that the processes read.
  func writeConfiguration() throws(EngineError) {
    do {
      try FileManager.default.createDirectory(atPath: directory + "/conf", withIntermediateDirectories: true)
      for (name, text) in [
        ("frontend.properties", frontEndProperties), ("conf/neo4j.conf", Self.cypherProperties),
      ] {
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/\(name)"))
      }
      for executor in executors.all {
        let file = URL(filePath: executors.file(executor, in: directory))
        try Data(executors.properties(executor).utf8).write(to: file)
      }
    } catch {
      throw EngineError(.internalFailure, "the configuration of an interactive instance cannot be written: \(error)")
    }
  }

  // MARK: Programs

  /// An executor.
  /// - Throws: `EngineError` when it is for another host and OpenMPI is not installed.
  func program(_ executor: QueryExecutors.Executor) throws(EngineError) -> ChildProgram {
    try executors.program(executor, in: directory)
  }

  /// The files that executors on other hosts read.
  var filesForOthers: [String] {
    executors.all.filter { $0.host != WorkerHosts.own }.map { executors.file($0, in: directory) }
  }

  /// The front end; it is ready when `probe` is true.
  func frontEnd(deadline: Duration, probe: @escaping @Sendable () async -> Bool) -> ChildProgram {
    let home = commands.installation.home
    var options = [
      "-server", "-Djava.awt.headless=true", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError", "-Dfile.encoding=UTF-8",
      "-Dlogfilename=\(directory)/frontend.log", "-Dlogbasedir=\(directory)/frontend",
      // What it leaves when it is killed lies in the instance's directory, and nothing for `jps` in the machine's.
      "-XX:-UsePerfData", "-Djava.io.tmpdir=\(directory)", "-Djna.tmpdir=\(directory)",
      "-Dlog4j.configurationFile=file:\(home)/conf/log4j2.xml", "-Djna.library.path=\(home)/lib",
    ]
    if java.version.major >= 9 { options += Self.openings }
    return ChildProgram(
      name: Self.frontEndName(request.objectID), executable: java.program,
      arguments: options
        // Our configuration of the Cypher server is found before that in the archives.
        + [
          "-cp", "\(directory):\(home)/lib/*", "com.alibaba.graphscope.frontend.Frontend",
          directory + "/frontend.properties",
        ],
      environment: commands.environment, directory: directory,
      readiness: .probe(probe), readinessDeadline: deadline)
  }

  /// What the Cypher server in the front end reaches into by reflection; since Java 16 only where it is opened to it.
  private static let openings =
    [
      "java.nio", "java.lang", "java.io", "java.util", "java.util.concurrent",
    ].map { "--add-opens=java.base/\($0)=ALL-UNNAMED" } + ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"]
}
