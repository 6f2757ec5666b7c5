import Glibc
import Testing
import Workers

@testable import GraphStore

/// A directory of the test's own, and threads for loading.
struct Loader: ~Copyable {
  let directory: String
  private static let pool = WorkerPool(threads: 3)

  init() {
    var template = Array("/tmp/graphstore-loader-XXXXXX".utf8CString)
    directory = String(cString: mkdtemp(&template)!)
  }

  deinit {
    guard let entries = opendir(directory) else { return }
    while let entry = readdir(entries) {
      _ = withUnsafePointer(to: &entry.pointee.d_name.0) { unlink("\(directory)/\(String(cString: $0))") }
    }
    closedir(entries)
    rmdir(directory)
  }

  /// Writes a file and returns its path.
  func file(_ bytes: some Collection<UInt8>, name: String = "input.csv") -> String {
    let path = "\(directory)/\(name)"
    let stream = fopen(path, "w")!
    _ = Array(bytes).withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) }
    fclose(stream)
    return path
  }

  /// Loads a text as CSV. Small blocks cut even a small text into many chunks.
  func csv(
    _ text: some StringProtocol, _ options: CSVOptions = CSVOptions(), blockBytes: Int = 1 << 20,
    sampleBytes: Int = 8 << 10, maximumRowBytes: Int = 1 << 20
  ) async throws -> Table {
    try await csv(
      bytes: Array(text.utf8), options, blockBytes: blockBytes, sampleBytes: sampleBytes,
      maximumRowBytes: maximumRowBytes)
  }

  func csv(
    bytes: [UInt8], _ options: CSVOptions = CSVOptions(), blockBytes: Int = 1 << 20, sampleBytes: Int = 8 << 10,
    maximumRowBytes: Int = 1 << 20
  ) async throws -> Table {
    let path = file(bytes)
    let staging = directory
    return try await Self.pool.run { workers in
      try CSVReader.read(
        path: path, options: options, staging: staging, workers: workers,
        tuning: CSVReader.Tuning(
          blockBytes: blockBytes, sampleBytes: sampleBytes, windowBytes: blockBytes, maximumRowBytes: maximumRowBytes),
        progress: { _ in })
    }
  }

  func arrow(_ bytes: [UInt8]) async throws -> Table {
    let path = file(bytes, name: "input.arrow")
    let staging = directory
    return try await Self.pool.run { workers in
      try TableReader.readArrowStream(path: path, byteCount: bytes.count, staging: staging, workers: workers)
    }
  }

  func run<R: Sendable>(_ job: @escaping @Sendable (Workers) throws -> R) async throws -> R {
    try await Self.pool.run(job)
  }

  /// Returns the error with which loading a text fails.
  func failure(
    _ text: some StringProtocol, _ options: CSVOptions = CSVOptions(), blockBytes: Int = 1 << 20
  ) async -> GraphStoreError? {
    await #expect(throws: GraphStoreError.self) { try await csv(text, options, blockBytes: blockBytes) }
  }
}

extension CSVOptions {
  /// Options with columns written as in `"id:int64_t"` or `"name"`.
  static func columns(_ columns: String..., all: Bool = false, header: Bool = true, delimiter: Character = ",") -> Self
  {
    CSVOptions(
      delimiter: delimiter.asciiValue!, hasHeader: header,
      columns: columns.map { column in
        let parts = column.split(separator: ":", maxSplits: 1).map(String.init)
        return (ColumnReference(parts[0]), parts.count > 1 ? parts[1] : nil)
      }, includesAllColumns: all)
  }
}

extension Table {
  /// Name and type of every column, as in `"id int64"`.
  var schema: [String] { columns.map { "\($0.name) \($0.type)" } }

  /// The values of a column as text.
  subscript(name: String) -> [String] { columns.first { $0.name == name }!.texts }
}

extension Column {
  /// The values as text.
  var texts: [String] {
    switch type {
    case .int32, .date32: values(as: Int32.self).map { String($0) }
    case .int64, .timestampMilliseconds: values(as: Int64.self).map { String($0) }
    case .int32List, .int64List, .floatList, .doubleList: []
    case .uint32: values(as: UInt32.self).map { String($0) }
    case .uint64: values(as: UInt64.self).map { String($0) }
    case .float: values(as: Float.self).map { String($0) }
    case .double: values(as: Double.self).map { String($0) }
    case .string: (0..<count).map { String(decoding: strings[$0], as: UTF8.self) }
    }
  }
}
