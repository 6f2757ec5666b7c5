import Engines
import FoundationEssentials
import Glibc
import GraphStore
import Support
import Synchronization
import Workers

extension EmbeddedAnalyticalEngine {
  /// Finds the objects of an earlier process. Their graphs are opened on first use, because that reads and verifies every byte.
  /// Objects that are not asked for are kept: see `KeepsUnclaimedObjects`.
  public func recover(_ handles: [ObjectHandle]) async throws -> [LostObject] {
    let names = try entries(workspace)
    var lost: [LostObject] = []
    var directories: [String: StoredFiles] = [:]
    var found = FoundFiles(storage: storage)
    for handle in handles {
      guard let key = handle.key else { continue }
      if case .graph = handle, try recoverDynamic(key, &found) { continue }
      do {
        var record = try ObjectRecord.read(workspace, key: key)
        try check(record, of: handle)
        if !record.graph.description.schemaPath.isEmpty {
          // The state may have been moved to another directory.
          record.graph.description.schemaPath = "\(workspace)/\(record.graph.description.key).json"
        }
        let directory = record.graph.directory
        let files =
          directories[directory]
          ?? StoredFiles("\(workspace)/\(directory)", found.take("\(workspace)/\(directory)"))
        directories[directory] = files
        let values = record.stored == nil ? nil : found.take(file: ObjectRecord.valuesPath(workspace, key))
        let object = DormantObject(record: record, files: files, values: values)
        objects.withLock { $0.add(object, key: key) }
        enter(record, files)
      } catch {
        // An object that cannot be opened now may be intact: it is neither lost nor found.
        if let reason = passingReason(key, error) {
          throw EngineError(.engineFailure, "object '\(key)' cannot be opened at the moment", evidence: reason)
        }
        objects.withLock { $0.addLost(key: key) }
        lost.append(
          LostObject(
            handle, reason: "it cannot be recovered: \(EngineError.describing(error))", hasRemains: true))
      }
    }
    try keepUnclaimed(names, known: Set(handles.compactMap(\.key)), isAnyLost: !lost.isEmpty)
    return lost
  }

  /// Finds a graph of graphscope.nx, to which any number of operations may refer.
  /// - Returns: Whether the key is that of such a graph.
  private func recoverDynamic(_ key: String, _ found: inout FoundFiles) throws -> Bool {
    if objects.withLock({ $0.dynamics[key] != nil }) { return true }
    guard plainName(key) != nil else { return false }
    let path = DynamicObject.path(workspace, key)
    guard
      let object = DynamicObject(
        recovered: key, file: found.take(file: path), workspace: workspace, storage: storage)
    else { return false }
    try objects.withLock { try $0.add(object) }
    return true
  }

  /// Classifies the remaining contents of the workspace: objects that were not asked for are kept, parts of objects that were
  /// never completed are removed. Parts that may belong to an object with a damaged record are kept with it.
  private func keepUnclaimed(_ names: [String], known: Set<String>, isAnyLost: Bool) throws {
    var unclaimed: [UnclaimedObject] = []
    for name in names where name.hasSuffix(".object") {
      let key = String(name.dropLast(".object".count))
      guard !known.contains(key) else { continue }
      do {
        let record = try ObjectRecord.read(workspace, key: key)
        unclaimed.append(UnclaimedObject(key: key, directory: plainName(record.graph.directory)))
      } catch {
        if let reason = passingReason(key, error) {
          throw EngineError(.engineFailure, "object '\(key)' cannot be opened at the moment", evidence: reason)
        }
        unclaimed.append(UnclaimedObject(key: key, directory: nil, isDamaged: true))
      }
    }
    for name in names where name.hasSuffix(".changes") {
      let key = String(name.dropLast(".changes".count))
      if !known.contains(key) { unclaimed.append(UnclaimedObject(key: key, directory: nil)) }
    }
    let keys = known.union(unclaimed.map(\.key))
    let own = Set(keys.flatMap { Self.fileNames(of: $0) })
    let used = Set(unclaimed.compactMap(\.directory))
    let damaged = unclaimed.firstIndex { $0.isDamaged }
    for name in names where !own.contains(name) && !used.contains(name) && !objects.withLock({ $0.use.needs(name) }) {
      if isAnyLost || damaged != nil, exists("\(workspace)/\(name)/manifest") {
        if let damaged { unclaimed[damaged].orphans.append(name) }
      } else {
        removeTree("\(workspace)/\(name)")
      }
    }
    objects.withLock { for object in unclaimed { $0.add(object) } }
  }

  /// Returns why an existing object cannot be opened now, although it may be intact; nil if it is damaged or missing.
  private func passingReason(_ key: String, _ error: any Error) -> String? {
    switch error as? GraphStoreError {
    case let error? where error.code == .inputOutput && exists(ObjectRecord.path(workspace, key)):
      error.description
    default: nil
    }
  }

  /// Returns the name of a directory if it is a plain name within the workspace.
  private func plainName(_ directory: String) -> String? {
    directory.isEmpty || directory.holdsByte(of: "/\0") || directory == "." || directory == ".." ? nil : directory
  }

  /// Returns whether a path exists, or may exist because it cannot be examined.
  func exists(_ path: String) -> Bool {
    var info = stat()
    return lstat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR)
  }

  func entries(_ directory: String) throws(EngineError) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
      // The error is Foundation's, whose messages are not meant for users.
      let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      let reason = descriptor < 0 ? String(cString: strerror(errno)) : "it cannot be listed"
      if descriptor >= 0 { Glibc.close(descriptor) }
      throw EngineError(.engineFailure, "cannot read the directory '\(directory)'", evidence: reason)
    }
  }

  /// Rejects a record that does not belong to the handle, or whose directory does not exist.
  private func check(_ record: ObjectRecord, of handle: ObjectHandle) throws {
    let fits =
      switch (handle, record.kind) {
      case (.graph, .graph): true
      case (.boundApplication, .application): record.algorithm != nil
      case (.context, .result): record.result != nil && record.stored != nil
      default: false
      }
    guard fits, let directory = plainName(record.graph.directory) else {
      throw EngineError(.engineFailure, "its record is damaged")
    }
    guard exists("\(workspace)/\(directory)/manifest") else {
      throw EngineError(.engineFailure, "the files of its graph are not in '\(workspace)/\(directory)'")
    }
  }

  /// Makes a dormant object ready for use; does nothing for others.
  func wake(_ handle: ObjectHandle) async throws {
    guard let key = handle.key, let dormant = objects.withLock({ $0.dormant[key] }) else { return }
    let record = dormant.record
    switch (record.kind, record.algorithm, record.result, record.stored) {
    case (.application, let algorithm?, _, _):
      let application = BoundApplication(
        algorithm: try algorithms.named(algorithm), graph: try await simpleView(dormant))
      try objects.withLock { try $0.add(application, key: key) }
    case (.result, _, let description?, let stored?):
      let path = ObjectRecord.valuesPath(workspace, key)
      let result = try await pool.run(storage: storage, threads: threads) {
        try stored.open(verifying: description.kind, path: path, dormant.values, $0)
      }
      let context = ResultContext(
        description: description, graph: try await simpleView(dormant), result: result, file: dormant.values)
      guard result.hasSize(of: context.graph.graph) else {
        throw EngineError(.engineFailure, "the stored result '\(key)' does not match the size of its graph")
      }
      guard result.namesVertices(of: context.graph.graph) else {
        throw EngineError.damagedResult(path, "it contains vertex numbers that are out of range")
      }
      try objects.withLock { try $0.add(context) }
    default:
      if record.graph.projection != nil {
        let view = try await simpleView(dormant)
        try objects.withLock { try $0.add(view) }
      } else {
        let view = try PropertyView(recovered: record.graph.description, of: try await stored(dormant.files))
        try objects.withLock { try $0.add(view) }
      }
    }
    objects.withLock { $0.woke(key: key) }
  }

  /// Adds a recovered graph to the catalogue. It is opened on first use and then stays open.
  private func enter(_ record: ObjectRecord, _ files: StoredFiles) {
    guard record.kind == .graph, record.graph.projection == nil else { return }
    let opened = OpenedGraph()
    graphs.enter(
      GraphCatalogue.Entry(description: record.graph.description, directory: files.directory) { [weak self] in
        guard let self else { throw EngineError(.illegalState, "the session's analytical engine was closed") }
        let stored = try await describingFailures { try await self.stored(files) }
        opened.graph.withLock { $0 = stored }
        return stored.graph
      })
  }

  /// Returns the graph of an object; a graph shared by several objects is opened once.
  private func simpleView(_ dormant: DormantObject) async throws -> SimpleView {
    let recipe = dormant.record.graph
    if let view = objects.withLock({ $0.simpleView(recipe.description.key) }) { return view }
    let stored = try await stored(dormant.files)
    let schema = recipe.description.schema
    let projection =
      recipe.projection?.isWhole == true
      ? try SimpleProjection(whole: schema, generatesEdgeIDs: recipe.description.options.generatesEdgeIDs)
      : try SimpleProjection(
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

/// Keeps a graph open for its own lifetime.
private final class OpenedGraph: Sendable {
  let graph = Mutex<StoredGraph?>(nil)
}

/// Charges the files of an earlier process. They exist, so they cannot be rejected; a file that several graphs share by hard
/// links is charged once.
private struct FoundFiles {
  let storage: any StorageAccount
  private var known: [ino_t: StorageReservation] = [:]

  init(storage: any StorageAccount) { self.storage = storage }

  /// Charges the files of a stored graph; returns the reservations by file name.
  mutating func take(_ directory: String) -> [String: StorageReservation] {
    var files: [String: StorageReservation] = [:]
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where name != "manifest" {
      files[name] = take(file: "\(directory)/\(name)")
    }
    return files
  }

  /// Charges a file; returns nil if it does not exist or is not a regular file.
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
  /// Returns a graph on which algorithms run, if any object uses it.
  fileprivate func simpleView(_ key: String) -> SimpleView? {
    if case .simple(let view) = graphs[key] { return view }
    return applications.values.first { $0.graph.description.key == key }?.graph
      ?? contexts.values.first { $0.graph.description.key == key }?.graph
  }
}
