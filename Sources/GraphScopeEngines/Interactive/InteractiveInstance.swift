import Engines
import FoundationEssentials
import GraphStore
import Support

/// The files, ports and arguments with which the processes of one interactive instance are started.
struct InteractiveInstance: Sendable {
  /// A Java runtime.
  struct Java: Sendable {
    var program: String
    var version: JavaVersion
  }

  private let request: QueryInstanceRequest
  private let commands: EngineCommands
  private let java: Java
  /// Ports of 127.0.0.1 for Gremlin and Cypher.
  private let ports: (gremlin: UInt16, cypher: UInt16)
  /// The executors, which read the graph.
  let executors: QueryExecutors

  /// The default time limit of a query in milliseconds.
  private static let defaultQueryTimeout: Int64 = 240_000

  /// Chooses ports that are currently free.
  /// - Throws: `EngineError` when a parameter contains a line break, or the schema is not a file of the session.
  init(_ request: QueryInstanceRequest, commands: EngineCommands, java: Java) throws(EngineError) {
    self.request = request
    self.commands = commands
    self.java = java
    ports = (try freePort(), try freePort())
    executors = try QueryExecutors(request.objectID, commands, parameters: Self.lines(request.parameters))
    for (name, value) in request.parameters where (name + value).contains(where: \.isNewline) || name.contains("=") {
      throw EngineError(.invalidArgument, "the parameter '\(name.prefix(100))' of the instance contains a line break")
    }
    guard request.schemaPath.hasPrefix(commands.directory + "/"), !request.schemaPath.pathParts.contains("..") else {
      throw EngineError(
        .invalidArgument, "the schema of the graph is not a file of this session", evidence: request.schemaPath)
    }
  }

  static func frontEndName(_ objectID: Int64) -> String { "frontend-\(objectID)" }

  /// Returns the directory of an instance. With executors on other hosts, it is a directory that also exists there.
  static func directory(_ objectID: Int64, _ commands: EngineCommands) -> String {
    "\(commands.placement.commonDirectory(commands))/interactive-\(objectID)"
  }

  private var directory: String { Self.directory(request.objectID, commands) }
  /// The number of threads of each executor.
  var threads: Int { executors.threads }

  /// The addresses at which queries are answered.
  var endpoints: QueryEndpoints {
    QueryEndpoints(
      gremlin: "127.0.0.1:\(ports.gremlin)", cypher: request.withCypher ? "127.0.0.1:\(ports.cypher)" : "")
  }

  /// A connection to the front end.
  var gremlin: GremlinConnection { GremlinConnection(port: ports.gremlin) }

  /// The port of the front end for Cypher.
  var cypherPort: UInt16 { ports.cypher }

  /// The time limit of a query for which the client sets none.
  var queryTimeout: Duration {
    .milliseconds(request.parameters["pegasus.timeout"].flatMap(Int64.init) ?? Self.defaultQueryTimeout)
  }

  // MARK: Files

  private static func lines(_ parameters: [String: String]) -> String {
    parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
  }

  /// The configuration of the front end.
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
  /// - Throws: `EngineError` when they cannot be written.
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

  /// Returns the process of an executor.
  /// - Throws: `EngineError` when it is for another host and OpenMPI is not installed.
  func program(_ executor: QueryExecutors.Executor) throws(EngineError) -> ChildProgram {
    try executors.program(executor, in: directory)
  }

  /// The files that executors on other hosts read.
  var filesForOthers: [String] {
    executors.all.filter { $0.host != WorkerHosts.own }.map { executors.file($0, in: directory) }
  }

  /// Returns the process of the front end, which is ready when `probe` returns true.
  func frontEnd(deadline: Duration, probe: @escaping @Sendable () async -> Bool) -> ChildProgram {
    let home = commands.installation.home
    var options = [
      "-server", "-Djava.awt.headless=true", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError", "-Dfile.encoding=UTF-8",
      "-Dlogfilename=\(directory)/frontend.log", "-Dlogbasedir=\(directory)/frontend",
      // Files that it leaves when it is killed are in the instance's directory, and none in the machine's directory for `jps`.
      "-XX:-UsePerfData", "-Djava.io.tmpdir=\(directory)", "-Djna.tmpdir=\(directory)",
      "-Dlog4j.configurationFile=file:\(home)/conf/log4j2.xml", "-Djna.library.path=\(home)/lib",
    ]
    if java.version.major >= 9 { options += Self.openings }
    return ChildProgram(
      name: Self.frontEndName(request.objectID), executable: java.program,
      arguments: options
        // This configuration of the Cypher server precedes the one in the archives.
        + [
          "-cp", "\(directory):\(home)/lib/*", "com.alibaba.graphscope.frontend.Frontend",
          directory + "/frontend.properties",
        ],
      environment: commands.environment, directory: directory,
      readiness: .probe(probe), readinessDeadline: deadline)
  }

  /// The packages that the Cypher server in the front end accesses by reflection; since Java 16, they must be opened explicitly.
  private static let openings =
    [
      "java.nio", "java.lang", "java.io", "java.util", "java.util.concurrent",
    ].map { "--add-opens=java.base/\($0)=ALL-UNNAMED" } + ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"]
}
