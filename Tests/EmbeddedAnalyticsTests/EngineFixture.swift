import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Synchronization
import Wire
import Workers

/// An engine with its own workspace, and the files that it loads.
final class EngineFixture: Sendable {
  let root: String
  let engine: any AnalyticalEngine
  let log = Lines()

  /// Collects the lines shown to the user.
  final class Lines: ProgressLog {
    private let lines = Mutex<[String]>([])
    func info(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  private static let pool = WorkerPool(threads: 2)

  init(
    storage: any StorageAccount = UnboundedStorage(), graphs: GraphCatalogue = GraphCatalogue(),
    algorithms: Algorithms = .builtIn, firstReport: Duration = .seconds(60)
  ) async throws {
    root = temporaryPath()
    try FileManager.default.createDirectory(atPath: root + "/session", withIntermediateDirectories: true)
    engine = try await EmbeddedAnalyticsProvider(
      pool: Self.pool, algorithms: algorithms, firstReport: firstReport
    ).makeEngine(
      workspace: root + "/session", storage: storage, graphs: graphs)
    earlier = nil
  }

  /// Creates an engine of a later process on the files of another fixture, which must outlive this one.
  init(
    after earlier: EngineFixture, storage: any StorageAccount = UnboundedStorage(),
    graphs: GraphCatalogue = GraphCatalogue(), algorithms: Algorithms = .builtIn
  ) async throws {
    root = earlier.root
    engine = try await EmbeddedAnalyticsProvider(pool: Self.pool, algorithms: algorithms).makeEngine(
      workspace: root + "/session", storage: storage, graphs: graphs)
    self.earlier = earlier
  }

  private let earlier: EngineFixture?

  deinit { if earlier == nil { remove() } }

  private func remove() { try? FileManager.default.removeItem(atPath: root) }

  /// The names of everything in the engine's workspace.
  var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: root + "/session/analytics")) ?? [] }

  /// Writes a CSV file with this text.
  func csv(_ name: String, _ text: String) throws -> TableSource.Location {
    let path = "\(root)/\(name)"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return .csv(path: path, CSVOptions(delimiter: UInt8(ascii: "|")))
  }

  /// Returns the sources of the modern graph: two labels of each kind.
  func modernGraph() throws -> [TableSource] {
    [
      TableSource(
        role: .vertices(label: "person", id: .name("id")),
        location: try csv("person.csv", "id|name|age\n2|vadas|27\n6|peter|35\n4|josh|32\n1|marko|29\n")),
      TableSource(
        role: .vertices(label: "software", id: .name("id")),
        location: try csv("software.csv", "id|name|lang\n3|lop|java\n5|ripple|java\n")),
      TableSource(
        role: .edges(
          label: "knows", sourceLabel: "person", destinationLabel: "person", source: .name("src_id"),
          destination: .name("dst_id")),
        location: try csv("knows.csv", "src_id|dst_id|weight\n1|2|0.5\n1|4|1.0\n")),
      TableSource(
        role: .edges(
          label: "created", sourceLabel: "person", destinationLabel: "software", source: .name("src_id"),
          destination: .name("dst_id")),
        location: try csv("created.csv", "src_id|dst_id|weight\n1|3|0.4\n4|5|1.0\n4|3|0.4\n6|3|0.2\n")),
    ]
  }

  func perform(_ operation: Engines.Operation, _ inputs: ObjectHandle...) async throws -> AnalyticalResult {
    try await engine.perform(operation, on: inputs, log: log)
  }

  func graph(_ operation: Engines.Operation, _ inputs: ObjectHandle...) async throws -> GraphDescription {
    guard case .graph(let graph) = try await engine.perform(operation, on: inputs, log: log) else { throw Surprise() }
    return graph
  }

  /// Loads tables.
  func load(_ sources: [TableSource], _ options: GraphOptions = GraphOptions()) async throws -> GraphDescription {
    try await graph(.createGraph(options, GraphLayout()), .tables(sources))
  }

  /// Projects to one label of each kind, then to a simple graph.
  func simple(
    _ graph: GraphDescription, vertices: [String: [String]?], edges: [String: [String]?]
  ) async throws -> GraphDescription {
    let projected = try await self.graph(.project(vertices: vertices, edges: edges), .graph(graph.key))
    return try await self.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), .graph(projected.key))
  }

  /// Binds and runs an algorithm; returns the handle of the result.
  func run(_ name: String, on graph: GraphDescription, _ arguments: [QueryValue] = []) async throws -> ObjectHandle {
    try await run(try await bind(name, to: graph), arguments)
  }

  func bind(_ name: String, to graph: GraphDescription) async throws -> ObjectHandle {
    _ = try await perform(.createApplication(algorithm: name, archive: []))
    let bound = try await perform(.bindApplication, .graph(graph.key), .application(algorithm: name, archive: []))
    guard case .boundApplication(let key) = bound else { throw Surprise() }
    return .boundApplication(key)
  }

  func run(_ application: ObjectHandle, _ arguments: [QueryValue] = []) async throws -> ObjectHandle {
    guard case .context(let context) = try await perform(.runApplication(arguments), application) else {
      throw Surprise()
    }
    return .context(context.key)
  }

  func array(_ selector: String, _ input: ObjectHandle, _ range: VertexRange? = nil) async throws -> ArchiveValues {
    guard case .archive(let bytes) = try await perform(.exportArray(selector: selector, range: range), input) else {
      throw Surprise()
    }
    return try bytes.withUnsafeBytes { try ResultArchive.readArray($0).values }
  }

  func frame(
    _ columns: KeyValuePairs<String, String>, _ input: ObjectHandle, _ range: VertexRange? = nil
  ) async throws -> [(name: String, values: ArchiveValues)] {
    let columns = columns.map { FrameColumn(name: $0.key, selector: $0.value) }
    guard case .archive(let bytes) = try await perform(.exportFrame(columns: columns, range: range), input) else {
      throw Surprise()
    }
    return try bytes.withUnsafeBytes { try ResultArchive.readDataframe($0) }
  }

  /// A result of a kind that the operation never returns.
  struct Surprise: Error {}
}

extension GraphDescription {
  var handle: ObjectHandle { .graph(key) }
}
