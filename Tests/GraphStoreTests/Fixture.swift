import Glibc
import GraphStore
import Testing
import Workers

/// A directory that is removed with its contents when the test ends.
final class Workspace: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/graphstore-test-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit { Self.remove(path) }

  /// Returns a path that does not exist yet.
  func new(_ name: String = "graph") -> String {
    path + "/" + name + "-" + String(UInt64.random(in: 0 ... .max), radix: 16)
  }

  /// Returns the names in a directory, sorted.
  static func list(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func remove(_ path: String) {
    for name in list(path) {
      if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
    }
    rmdir(path)
  }

  // MARK: - Columns as a loader makes them

  func column(_ name: String, _ values: [Int64]) throws -> Column { try fixed(name, .int64, values) }
  func column(_ name: String, int32 values: [Int32]) throws -> Column { try fixed(name, .int32, values) }
  func column(_ name: String, doubles values: [Double]) throws -> Column { try fixed(name, .double, values) }

  func fixed<T: BitwiseCopyable>(_ name: String, _ type: ColumnType, _ values: [T]) throws -> Column {
    let file = try MappedFile.create(path: new("column"), byteCount: values.count * MemoryLayout<T>.stride)
    values.withUnsafeBytes { file.bytes.copyMemory(from: $0) }
    return Column(name: name, type: type, count: values.count, data: file)
  }

  func column(_ name: String, _ values: [String]) throws -> Column {
    let bytes = values.flatMap { Array($0.utf8) }
    var offsets: [UInt64] = [0]
    for value in values { offsets.append(offsets.last! + UInt64(value.utf8.count)) }
    let data = try MappedFile.create(path: new("column"), byteCount: offsets.count * 8)
    offsets.withUnsafeBytes { data.bytes.copyMemory(from: $0) }
    let characters = try MappedFile.create(path: new("column"), byteCount: bytes.count)
    bytes.withUnsafeBytes { characters.bytes.copyMemory(from: $0) }
    return Column(name: name, type: .string, count: values.count, data: data, characters: characters)
  }

  func table(_ columns: Column...) -> Table { Table(columns: columns, rowCount: columns[0].count) }
}

extension Workspace {
  /// Builds a graph on a pool of `threads` threads.
  func build(
    threads: Int = 4, extending base: PropertyGraph? = nil, _ options: GraphOptions = GraphOptions(),
    directory: String? = nil, _ add: @escaping @Sendable (inout GraphBuilder, Workspace) throws -> Void
  ) async throws -> PropertyGraph {
    let directory = directory ?? new()
    return try await WorkerPool(threads: threads).run { workers in
      var builder = try GraphBuilder(
        directory: directory, extending: base, options: options, workers: workers, progress: { _ in })
      try add(&builder, self)
      return try builder.seal(durable: false)
    }
  }
}

extension Workspace {
  /// Expects that building fails and leaves nothing of the graph on disk.
  func expectFailure(
    _ code: GraphStoreError.Code, extending base: PropertyGraph? = nil, _ options: GraphOptions = GraphOptions(),
    containing texts: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ add: @escaping @Sendable (inout GraphBuilder, Workspace) throws -> Void
  ) async {
    let directory = new("refused")
    let error = await #expect(throws: GraphStoreError.self, sourceLocation: sourceLocation) {
      _ = try await build(extending: base, options, directory: directory, add)
    }
    #expect(error?.code == code, "\(error as Any)", sourceLocation: sourceLocation)
    for text in texts {
      #expect(error?.description.contains(text) == true, "\(error as Any)", sourceLocation: sourceLocation)
    }
    let left = Workspace.list(path).filter { $0.contains("refused") }
    #expect(left.isEmpty, sourceLocation: sourceLocation)
  }
}

extension PropertyGraph {
  func integerIDs(_ label: Int) -> [Int64] {
    guard case .int64(let ids) = ids(label: label) else { return [] }
    return Array(ids)
  }

  func textIDs(_ label: Int) -> [String] {
    guard case .string(let ids) = ids(label: label) else { return [] }
    return (0..<ids.count).map { String(decoding: ids[$0], as: UTF8.self) }
  }
}

extension Adjacency {
  /// The rows as (neighbour, edge) pairs.
  var rows: [[[UInt32]]] {
    (0..<vertexCount).map { row in
      (Int(offsets[row])..<Int(offsets[row + 1])).map { [neighbours[$0], edges[$0]] }
    }
  }
}

extension Column {
  var doubles: [Double] { Array(values(as: Double.self)) }
  var integers: [Int64] { Array(values(as: Int64.self)) }
}
