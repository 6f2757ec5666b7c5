import AnalyticsKernels
import CPlatform
import Engines
import Glibc
import GraphStore
import Synchronization
import Vocabulary
import Workers

/// Graphs saved to a directory outside the session, and loaded again by any session.
///
/// The directory holds `graph.object`, the record of the graph, and a directory `graph` with the files of the stored graph. Both
/// have checksums. Files are copied in both directions, so neither side depends on the other.
extension EmbeddedAnalyticalEngine {
  private static let savedKey = "graph"
  private static let savedDirectory = "graph"

  /// Saves a graph.
  func saveGraph(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "SERIALIZE_GRAPH")
    let path = try localPath(operation)
    let staging = "\(workspace)/\(objectKey("saved"))"
    try makeDirectory(staging)
    defer { removeTree(staging) }
    let (storage, places) = (storage, places)
    try await pool.run(storage: storage, threads: 1) { workers in
      let graph = view.stored.graph
      let copy = try StorageReservation(graph.contents.byteCount, as: .mappedFile, from: storage)
      defer { withExtendedLifetime(copy) {} }
      try makeDirectory("\(staging)/\(Self.savedDirectory)")
      try graph.copyFiles(to: "\(staging)/\(Self.savedDirectory)", workers)
      var description = view.description
      description.schemaPath = ""
      let recipe = GraphRecipe(directory: Self.savedDirectory, description: description)
      try ObjectRecord(kind: .graph, graph: recipe).write(staging, key: Self.savedKey)
      try places.move(contentsOf: staging, to: path)
    }
    return .done
  }

  /// Loads a saved graph. Its files are verified, as anybody may have written them.
  func loadSavedGraph(_ operation: Operation) async throws -> AnalyticalResult {
    let path = try localPath(operation)
    let key = objectKey("graph")
    let staging = "\(workspace)/\(objectKey("saved"))"
    try makeDirectory(staging)
    defer { removeTree(staging) }
    let (workspace, storage, places) = (workspace, storage, places)
    let (graph, description) = try await pool.run(storage: storage, threads: threads) { workers in
      let loading = SavedGraph(storage: storage)
      let files = try places.files(at: path)
      try loading.copy(files, to: staging, workers)
      let record = try ObjectRecord.read(staging, key: Self.savedKey)
      guard record.kind == .graph, record.graph.directory == Self.savedDirectory else {
        throw SavedGraph.notSaved(path, "its record describes another kind of object")
      }
      guard rename("\(staging)/\(Self.savedDirectory)", "\(workspace)/\(key)") == 0 else {
        throw SavedGraph.notSaved(path, "it has no files of a graph")
      }
      do {
        let graph = try PropertyGraph.open(
          directory: "\(workspace)/\(key)", workers: workers, reservations: loading.reservations)
        guard record.graph.description.schema.isView(of: graph.schema) else {
          throw SavedGraph.notSaved(path, "its record does not match its files")
        }
        return (graph, record.graph.description)
      } catch {
        removeTree("\(workspace)/\(key)")
        throw error
      }
    }
    let stored = StoredGraph(graph, StoredFiles("\(workspace)/\(key)"))
    return try removing(key) {
      try add(
        PropertyView(
          key: key, stored: stored, schema: description.schema, layout: description.layout, workspace: workspace))
    }
  }

  /// Returns the path of a request, on this machine.
  private func localPath(_ operation: Operation) throws(EngineError) -> String {
    let path = try operation.text(.graphSerializationPath)
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw EngineError(.invalidArgument, "the path of the saved graph is missing")
    }
    guard let scheme = path.firstRange(of: "://") else { return path }
    guard path[..<scheme.lowerBound] == "file" else {
      throw EngineError.notBuilt("saving graphs to '\(path[..<scheme.lowerBound])' and loading them from it")
    }
    return String(path[scheme.upperBound...])
  }
}

/// The files of a saved graph while they are copied.
private final class SavedGraph {
  private let storage: any StorageAccount
  /// The reservations of the copied files of the graph, by name.
  private(set) var reservations: [String: StorageReservation] = [:]

  init(storage: any StorageAccount) { self.storage = storage }

  /// The greatest number of files that a saved graph may have.
  private static let maximumFiles = 100_000

  /// Copies the record and the files of the graph; ignores all others.
  func copy(_ files: [PlacedFile], to staging: String, _ workers: Workers) throws {
    guard files.count <= Self.maximumFiles else {
      throw EngineError(.resourceExhausted, "a saved graph has more than \(Self.maximumFiles) files")
    }
    try makeDirectory("\(staging)/graph")
    for placed in files {
      try workers.cancellation.check()
      let parts = placed.name.split(separator: "/", omittingEmptySubsequences: false)
      if placed.name == "graph.object" {
        let record = try storage.reserve(placed.file.byteCount)
        try placed.file.copy(to: "\(staging)/graph.object", workers)
        withExtendedLifetime(record) {}
      } else if parts.count == 2, parts[0] == "graph", !parts[1].isEmpty, parts[1] != ".", parts[1] != ".." {
        let name = String(parts[1])
        reservations[name] = try StorageReservation(placed.file.byteCount, as: .mappedFile, from: storage)
        try placed.file.copy(to: "\(staging)/graph/\(name)", workers)
      }
    }
  }

  static func notSaved(_ path: String, _ evidence: String) -> EngineError {
    EngineError(
      .engineFailure, "'\(path)' holds no saved graph", evidence: evidence,
      hint: "Save the graph again with graph.save_to()")
  }
}

extension GraphSchema {
  /// Returns whether this schema differs from a stored one only in what it hides.
  fileprivate func isView(of stored: GraphSchema) -> Bool {
    var shown = self
    for label in shown.vertexLabels.indices {
      shown.vertexLabels[label].isValid = true
      for property in shown.vertexLabels[label].properties.indices {
        shown.vertexLabels[label].properties[property].isValid = true
      }
    }
    for label in shown.edgeLabels.indices {
      shown.edgeLabels[label].isValid = true
      for property in shown.edgeLabels[label].properties.indices {
        shown.edgeLabels[label].properties[property].isValid = true
      }
    }
    return shown == stored
  }
}

extension OpenedFile {
  /// Copies the contents to a new file.
  fileprivate func copy(to path: String, _ workers: Workers) throws {
    let target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw GraphStoreError.system("cannot create", path) }
    defer { close(target) }
    try withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 16) { buffer in
      var place = 0
      // No more than was reserved: the file may have grown.
      while place < byteCount {
        try workers.cancellation.check()
        let count = pread(descriptor, buffer.baseAddress, min(buffer.count, byteCount - place), off_t(place))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw GraphStoreError.system("cannot read", self.path, errno: count == 0 ? EIO : errno) }
        var done = 0
        while done < count {
          let written = pwrite(target, buffer.baseAddress! + done, count - done, off_t(place + done))
          if written < 0, errno == EINTR { continue }
          guard written > 0 else { throw GraphStoreError.system("cannot write to", path) }
          done += written
        }
        place += count
      }
    }
  }
}
