import Engines
import GraphStore
import Synchronization

/// Whether the files of an engine go with the objects they belong to, or stay for an engine of a later process.
final class Retention: Sendable {
  private let keepsFiles = Atomic<Bool>(false)

  /// From now on files stay.
  func keepFiles() { keepsFiles.store(true, ordering: .relaxed) }

  /// Removes a file or a directory with everything in it, unless files stay.
  func remove(_ path: String) {
    if !keepsFiles.load(ordering: .relaxed) { removeTree(path) }
  }
}

/// The directory of a stored graph. It goes when nobody refers to it any more: neither a view of the graph, nor an
/// application that is bound to it, nor a result.
final class StoredFiles: Sendable {
  /// The directory; it may be gone already, with the whole session.
  let directory: String
  private let retention: Retention
  private let graph = Mutex(Opened())
  /// What the files of an earlier process were taken for, by name; those of this process are held by their mappings.
  let reservations: [String: StorageReservation]

  private struct Opened {
    weak var graph: StoredGraph?
  }

  /// The graph, as long as somebody uses it.
  fileprivate(set) var opened: StoredGraph? {
    get { graph.withLock { $0.graph } }
    set { graph.withLock { $0.graph = newValue } }
  }

  /// The last part of the path.
  var name: String { String(directory[directory.lastIndex(of: "/").map(directory.index(after:))!...]) }

  init(_ directory: String, _ retention: Retention, _ reservations: [String: StorageReservation] = [:]) {
    self.directory = directory
    self.reservations = reservations
    self.retention = retention
  }

  deinit { retention.remove(directory) }
}

/// A graph in files of the session.
final class StoredGraph: Sendable {
  let graph: PropertyGraph
  let files: StoredFiles

  /// The name of its directory.
  var name: String { files.name }

  init(_ graph: PropertyGraph, _ files: StoredFiles) {
    self.graph = graph
    self.files = files
    files.opened = self
  }
}

/// What of a stored graph a client sees under a key.
struct PropertyView: Sendable {
  let stored: StoredGraph
  let description: GraphDescription

  /// The stored schema, with the labels and properties that are not shown marked as not valid.
  var schema: GraphSchema { description.schema }

  /// Makes a view with a schema file of its own in `workspace`.
  init(
    key: String, stored: StoredGraph, schema: GraphSchema, layout: GraphLayout, workspace: String
  ) throws {
    self.stored = stored
    let schemaPath = "\(workspace)/\(key).json"
    description = GraphDescription(
      key: key, kind: .property, schema: schema, options: stored.graph.options, layout: layout,
      isMultigraph: stored.graph.hasParallelEdges, objectID: .random(in: 1 ... .max),
      fragmentIDs: [.random(in: 1 ... .max)], schemaPath: schemaPath)
    try writeFile(schemaPath, PropertySchemaJSON.fileText(schema, partitions: 1))
  }

  /// The view that an earlier process described; its schema file is there.
  init(_ description: GraphDescription, of stored: StoredGraph) {
    self.stored = stored
    self.description = description
  }
}

/// A graph that algorithms run on, under its key.
struct SimpleView: Sendable {
  let graph: SimpleGraph
  let description: GraphDescription
  /// What it was made of.
  let recipe: GraphRecipe
}

/// An algorithm for one graph.
struct BoundApplication: Sendable {
  let algorithm: Algorithm
  let graph: SimpleView
}

/// A result, and the graph whose vertices it belongs to.
struct ResultContext: Sendable {
  let description: ContextDescription
  let graph: SimpleView
  var values: ResultValues
  /// What the values' file was taken for; nil while there is none.
  var file: StorageReservation?
}
