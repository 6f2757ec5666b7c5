public import ArgumentParser
import EmbeddedQuery
import FoundationEssentials
import GraphStore
import Logging
import NIOPosix
import QueryEndpoint
import Workers

/// Serves one stored graph to Gremlin and Cypher clients. The coordinator starts it for each interactive instance.
public struct GraphServerCommand: AsyncParsableCommand {
  /// The name and the help of the command.
  public static let configuration = CommandConfiguration(
    commandName: "graph-server",
    abstract: "Serves a stored graph to Gremlin and Cypher clients. The coordinator starts it by itself.",
    shouldDisplay: false)

  @Option(help: "The directory of the stored graph.") var graph: String
  @Option(help: "The file with the part of the schema that is visible.") var schema: String?
  @Option(help: "The file to create when queries are answered.") var ready: String?
  @Option(help: "The number of threads for queries.") var threads = 2
  @Option(help: "The descriptor of a listening socket for Gremlin.") var gremlinDescriptor: Int32?
  @Option(help: "The descriptor of a listening socket for Bolt.") var boltDescriptor: Int32?
  @Option(help: "The port of 127.0.0.1 for Gremlin; 0 chooses one.") var gremlinPort: Int?
  @Option(help: "The port of 127.0.0.1 for Bolt; 0 chooses one.") var boltPort: Int?
  @Option(help: "A parameter of the instance, as NAME=VALUE.") var parameter: [String] = []

  /// Creates the command; its arguments are parsed into it.
  public init() {}

  private func parameters() throws -> [String: String] {
    var parameters: [String: String] = [:]
    for text in parameter {
      guard let end = text.firstIndex(of: "=") else {
        throw ValidationError("'\(text)' is no parameter: it must be NAME=VALUE")
      }
      parameters[String(text[..<end])] = String(text[text.index(after: end)...])
    }
    return parameters
  }

  /// Serves until a signal ends the process.
  public func run() async throws {
    let stored = try PropertyGraph.map(directory: graph)
    let visible = try schema.map {
      try JSONDecoder().decode(GraphSchema.self, from: Data(contentsOf: URL(filePath: $0)))
    }
    let service = GraphQueryService(
      graph: try MappedQueryGraph(stored, schema: visible ?? stored.schema), pool: WorkerPool(threads: threads),
      limits: try InstanceParameters(try parameters()).limits)
    let logger = Logger(label: "graph-server")
    let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, min(2, threads)))
    var servers: [QueryServer] = []
    let listener: QueryListener? =
      boltDescriptor.map { .descriptor($0) } ?? boltPort.map { .address(host: "127.0.0.1", port: $0) }
    let gremlin: QueryListener? =
      gremlinDescriptor.map { .descriptor($0) } ?? gremlinPort.map { .address(host: "127.0.0.1", port: $0) }
    if let gremlin {
      servers.append(
        try await GremlinServer.start(
          at: gremlin, group: group, service: service, configuration: .init { _ in true }, logger: logger))
    }
    if let listener {
      servers.append(
        try await BoltServer.start(
          at: listener, group: group, service: service, configuration: .init { _ in true }, logger: logger))
    }
    if let ready { try Data().write(to: URL(filePath: ready)) }
    for server in servers { print("queries are answered at \(server.address)") }
    // Signals end the process.
    while true { try await Task.sleep(for: .seconds(86_400)) }
  }
}
