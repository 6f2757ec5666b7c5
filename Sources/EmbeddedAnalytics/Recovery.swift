import Engines
import FoundationEssentials
import Glibc
import GraphStore

extension EmbeddedAnalyticalEngine {
  /// Finds the objects of an earlier process. Their graphs are opened when they are first needed: opening reads and
  /// verifies every byte.
  public func recover(_ handles: [ObjectHandle]) async throws -> [LostObject] {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: workspace) } catch {
      throw EngineError(.engineFailure, "cannot read the workspace '\(workspace)'", evidence: "\(error)")
    }
    var lost: [LostObject] = []
    var wanted: Set<String> = []
    var directories: [String: StoredFiles] = [:]
    var found = FoundFiles(storage: storage)
    for handle in handles {
      guard let key = handle.key else { continue }
      do {
        var record = try ObjectRecord.read(workspace, key: key)
        try check(record, of: handle)
        if !record.graph.description.schemaPath.isEmpty {
          // The state may have been moved to another place since.
          record.graph.description.schemaPath = "\(workspace)/\(record.graph.description.key).json"
        }
        let directory = record.graph.directory
        let files =
          directories[directory]
          ?? StoredFiles("\(workspace)/\(directory)", retention, found.take("\(workspace)/\(directory)"))
        directories[directory] = files
        wanted.formUnion([directory, "\(key).object", "\(key).values", "\(key).json"])
        let values = record.values == nil ? nil : found.take(file: ObjectRecord.valuesPath(workspace, key))
        let object = DormantObject(record: record, files: files, values: values)
        objects.withLock { $0.add(object, key: key) }
      } catch {
        lost.append(LostObject(handle, reason: "it cannot be found again: \(EngineError.describing(error))"))
      }
    }
    for name in names where !wanted.contains(name) { removeTree("\(workspace)/\(name)") }
    return lost
  }

  /// Refuses a record that is not the handle's, or whose directory is gone.
  private func check(_ record: ObjectRecord, of handle: ObjectHandle) throws {
    let fits =
      switch (handle, record.kind) {
      case (.graph, .graph): true
      case (.boundApplication, .application): record.algorithm != nil
      case (.context, .result): record.result != nil && record.values != nil
      default: false
      }
    let directory = record.graph.directory
    guard fits, !directory.isEmpty, !directory.contains("/"), directory != ".." else {
      throw EngineError(.engineFailure, "its record is damaged")
    }
    guard FileManager.default.fileExists(atPath: "\(workspace)/\(directory)/manifest") else {
      throw EngineError(.engineFailure, "the files of its graph are not in '\(workspace)/\(directory)'")
    }
  }

  /// Makes a dormant object ready for use; does nothing for others.
  func wake(_ handle: ObjectHandle) async throws {
    guard let key = handle.key, let dormant = objects.withLock({ $0.dormant[key] }) else { return }
    let record = dormant.record
    switch (record.kind, record.algorithm, record.result, record.values) {
    case (.application, let algorithm?, _, _):
      let application = BoundApplication(
        algorithm: try Algorithms.named(algorithm), graph: try await simpleView(dormant))
      try objects.withLock { try $0.add(application, key: key) }
    case (.result, _, let description?, let values?):
      let values = try ResultValues(values, path: ObjectRecord.valuesPath(workspace, key), dormant.values)
      let context = ResultContext(
        description: description, graph: try await simpleView(dormant), values: values, file: dormant.values)
      guard context.values.count == context.graph.graph.vertexCount else {
        throw EngineError(.engineFailure, "the stored result '\(key)' has another size than its graph")
      }
      try objects.withLock { try $0.add(context) }
    default:
      if record.graph.projection != nil {
        let view = try await simpleView(dormant)
        try objects.withLock { try $0.add(view) }
      } else {
        let view = PropertyView(record.graph.description, of: try await stored(dormant.files))
        try objects.withLock { try $0.add(view) }
      }
    }
    objects.withLock { $0.woke(key: key) }
  }

  /// The graph of an object; one that several objects share is opened once.
  private func simpleView(_ dormant: DormantObject) async throws -> SimpleView {
    let recipe = dormant.record.graph
    if let view = objects.withLock({ $0.simpleView(recipe.description.key) }) { return view }
    let stored = try await stored(dormant.files)
    let schema = recipe.description.schema
    let projection = try SimpleProjection(
      schema, vertexProperty: recipe.projection?.vertexProperty, edgeProperty: recipe.projection?.edgeProperty)
    let graph = try await project(projection, of: stored, schema)
    return SimpleView(graph: graph, description: recipe.description, recipe: recipe)
  }

  private func stored(_ files: StoredFiles) async throws -> StoredGraph {
    if let graph = files.opened { return graph }
    let graph = try await pool.run(storage: storage, threads: threads) {
      try PropertyGraph.open(directory: files.directory, workers: $0, reservations: files.reservations)
    }
    return StoredGraph(graph, files)
  }
}

/// Takes what the files of an earlier process count for. They are there, so they cannot be refused; one that several
/// graphs share by hard links counts once.
private struct FoundFiles {
  let storage: any StorageAccount
  private var known: [ino_t: StorageReservation] = [:]

  init(storage: any StorageAccount) { self.storage = storage }

  /// The files of a stored graph, by name.
  mutating func take(_ directory: String) -> [String: StorageReservation] {
    var files: [String: StorageReservation] = [:]
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where name != "manifest" {
      files[name] = take(file: "\(directory)/\(name)")
    }
    return files
  }

  /// A file; nil if it is not there, or none.
  mutating func take(file path: String) -> StorageReservation? {
    var info = stat()
    guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
    if let reservation = known[info.st_ino] { return reservation }
    let reservation = StorageReservation(unconditionally: Int(info.st_size), as: .mappedFile, from: storage)
    known[info.st_ino] = reservation
    return reservation
  }
}

extension SessionObjects {
  /// A graph that algorithms run on, wherever it is in use.
  fileprivate func simpleView(_ key: String) -> SimpleView? {
    if case .simple(let view) = graphs[key] { return view }
    return applications.values.first { $0.graph.description.key == key }?.graph
      ?? contexts.values.first { $0.graph.description.key == key }?.graph
  }
}

extension ResultValues {
  /// Number of values.
  var count: Int {
    switch self {
    case .int64(let buffer): buffer.values.count
    case .uint64(let buffer): buffer.values.count
    case .double(let buffer): buffer.values.count
    case .vertexIDs(let buffer): buffer.values.count
    }
  }
}
