import AnalyticsKernels
import Engines
import GraphStore
import Workers

/// The layout of a result's values in their file: column by column, each aligned to eight bytes, little-endian.
struct StoredResult: Sendable {
  /// Values of one type.
  struct Values: Codable, Sendable {
    enum Element: String, Codable, Sendable {
      case bool, int32, int64, uint64, double, vertexIDs

      var byteCount: Int {
        switch self {
        case .bool: 1
        case .int32: 4
        case .vertexIDs: MemoryLayout<VertexNumber>.size
        case .int64, .uint64, .double: 8
        }
      }
    }
    var element: Element
    var count: Int
    /// The `Checksum` of the bytes; nil in records of earlier releases.
    var checksum: UInt64?

    var byteCount: Int { count * element.byteCount }
  }

  /// A column; see `ResultColumn`.
  struct Column: Codable, Sendable {
    var name = ""
    var labelID: Int?
    var values: Values
  }

  var columns: [Column]
  /// The dimensions of a tensor.
  var shape: [Int]?

  /// The total number of values.
  var count: Int { columns.reduce(0) { $0 + $1.values.count } }
  /// The total size of the values in bytes.
  var byteCount: Int { columns.reduce(0) { $0 + $1.values.byteCount } }

  /// Writes the values of a result to a new file, which is charged to `storage`.
  static func write(
    _ result: AlgorithmResult, _ path: String, _ storage: any StorageAccount, _ workers: Workers
  ) throws -> (StoredResult, StorageReservation) {
    let columns = result.columns
    let parts = columns.map(\.values.bytes)
    let file = try StorageReservation(fileBytes(parts.map(\.count)), as: .mappedFile, from: storage)
    return try withExtendedLifetime(result) {
      try writeFile(path, parts)
      let stored = try columns.map { column in
        Column(
          name: column.name, labelID: column.labelID,
          values: Values(
            element: column.values.element, count: column.values.count,
            checksum: try Checksum.of(column.values.bytes, workers)))
      }
      return (StoredResult(columns: stored, shape: result.shape), file)
    }
  }

  /// Maps the values in a file, with its reservation.
  /// - Throws: `GraphStoreError`; `EngineError` if the file has an unexpected size.
  func open(
    _ kind: ContextDescription.Kind, path: String, _ reservation: StorageReservation?
  ) throws -> AlgorithmResult {
    let file = try MappedFile.open(path: path, reservation: reservation)
    guard columns.allSatisfy({ (0...Int(UInt32.max)).contains($0.values.count) }),
      Self.fileBytes(columns.map(\.values.byteCount)) == file.bytes.count
    else { throw EngineError.damagedResult(path, "\(file.bytes.count) bytes for \(count) values") }
    var place = 0
    let opened = columns.map { column in
      let values = ResultValues(column.values, in: file, at: place)
      place = Self.next(place + column.values.byteCount)
      return ResultColumn(values, name: column.name, labelID: column.labelID)
    }
    guard let result = AlgorithmResult(kind, opened, shape: shape) else {
      throw EngineError.damagedResult(path, "it has no values")
    }
    return result
  }

  /// Maps the values in a file of an earlier process, reading every byte once to verify checksums.
  /// - Throws: in addition, `EngineError` that names the file if it is damaged, and `CancellationError`.
  func open(
    verifying kind: ContextDescription.Kind, path: String, _ reservation: StorageReservation?, _ workers: Workers
  ) throws -> AlgorithmResult {
    let result = try open(kind, path: path, reservation)
    for (column, opened) in zip(columns, result.columns) {
      guard let checksum = column.values.checksum else { continue }
      guard try Checksum.ofMapped(opened.values.bytes, path: path, workers) == checksum else {
        throw EngineError.damagedResult(path, "the checksum does not match")
      }
    }
    return result
  }

  /// Returns the size in bytes of a file with parts of these sizes.
  private static func fileBytes(_ parts: [Int]) -> Int { parts.reduce(0) { $1 == 0 ? $0 : next($0) + $1 } }

  /// Returns the position of the part after one that ends at `place`.
  fileprivate static func next(_ place: Int) -> Int { (place + 7) / 8 * 8 }
}

extension ResultValues {
  fileprivate var element: StoredResult.Values.Element {
    switch self {
    case .bool: .bool
    case .int32: .int32
    case .int64: .int64
    case .uint64: .uint64
    case .double: .double
    case .vertexIDs: .vertexIDs
    }
  }

  /// Maps the values at a position in a file.
  fileprivate init(_ values: StoredResult.Values, in file: MappedFile, at place: Int) {
    switch values.element {
    case .bool: self = .bool(Buffer(file, at: place, count: values.count))
    case .int32: self = .int32(Buffer(file, at: place, count: values.count))
    case .int64: self = .int64(Buffer(file, at: place, count: values.count))
    case .uint64: self = .uint64(Buffer(file, at: place, count: values.count))
    case .double: self = .double(Buffer(file, at: place, count: values.count))
    case .vertexIDs: self = .vertexIDs(Buffer(file, at: place, count: values.count))
    }
  }
}

extension EngineError {
  /// Makes the error for a damaged stored result.
  static func damagedResult(_ path: String, _ evidence: String) -> EngineError {
    EngineError(
      .engineFailure, "the stored result '\(path)' is damaged", evidence: evidence, hint: "Run the algorithm again")
  }
}
