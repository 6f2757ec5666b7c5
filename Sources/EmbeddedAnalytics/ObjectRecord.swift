import Engines
import FoundationEssentials
import Glibc
import GraphStore

/// What a graph is made of: a stored graph, and what of it is shown.
struct GraphRecipe: Codable, Sendable {
  /// The name of the stored graph's directory in the workspace.
  var directory: String
  /// What the client was told.
  var description: GraphDescription
  /// For graphs that algorithms run on, the properties that were asked for.
  var projection: Projection?

  /// What a projection to simple chose; nil for no choice.
  struct Projection: Codable, Sendable {
    var vertexProperty: String?
    var edgeProperty: String?
  }
}

/// What an engine of a later process must know to find an object again; a small file beside the object's own.
///
/// It is written whole before the object is announced to anybody. A torn one, left by the end of the process, belongs to
/// an operation that never was answered.
struct ObjectRecord: Codable, Sendable {
  /// The kinds of objects.
  enum Kind: String, Codable, Sendable {
    case graph, application, result
  }

  /// How the values of a result are stored.
  struct Values: Codable, Sendable {
    enum Element: String, Codable, Sendable {
      case int64, uint64, double, vertexIDs
    }
    var element: Element
    var count: Int
  }

  var kind: Kind
  /// The graph, or the one that the application is bound to or the result belongs to.
  var graph: GraphRecipe
  /// The algorithm of an application.
  var algorithm: String?
  /// What the client was told of a result.
  var result: ContextDescription?
  /// A result's values, in a file of their own.
  var values: Values?

  private static let maximumBytes = 64 << 20

  /// The record's file.
  static func path(_ workspace: String, _ key: String) -> String { "\(workspace)/\(key).object" }

  /// The file of a result's values.
  static func valuesPath(_ workspace: String, _ key: String) -> String { "\(workspace)/\(key).values" }

  /// Writes the record of a new object.
  func write(_ workspace: String, key: String) throws {
    try writeFile(Self.path(workspace, key), String(decoding: try JSONEncoder().encode(self), as: UTF8.self))
  }

  /// Reads the record of an object.
  /// - Throws: `GraphStoreError` or a decoding error, when there is none or it is damaged.
  static func read(_ workspace: String, key: String) throws -> ObjectRecord {
    let file = try MappedFile.open(path: path(workspace, key))
    guard file.bytes.count <= maximumBytes else {
      throw EngineError(.engineFailure, "the record '\(file.path)' has \(file.bytes.count) bytes")
    }
    return try JSONDecoder().decode(ObjectRecord.self, from: Data(file.bytes))
  }
}

extension ResultValues {
  /// The values as they lie in memory, and what they are.
  private var stored: (ObjectRecord.Values.Element, UnsafeRawBufferPointer, Int) {
    switch self {
    case .int64(let buffer): (.int64, UnsafeRawBufferPointer(buffer.values), buffer.values.count)
    case .uint64(let buffer): (.uint64, UnsafeRawBufferPointer(buffer.values), buffer.values.count)
    case .double(let buffer): (.double, UnsafeRawBufferPointer(buffer.values), buffer.values.count)
    case .vertexIDs(let buffer): (.vertexIDs, UnsafeRawBufferPointer(buffer.values), buffer.values.count)
    }
  }

  /// Writes the values to a new file, little-endian, which is taken from `storage`.
  func write(_ path: String, _ storage: any StorageAccount) throws -> (ObjectRecord.Values, StorageReservation) {
    let (element, bytes, count) = stored
    let file = try StorageReservation(bytes.count, as: .mappedFile, from: storage)
    try withExtendedLifetime(self) { try writeFile(path, bytes) }
    return (ObjectRecord.Values(element: element, count: count), file)
  }

  /// Maps the values of a file, with what it was taken for.
  /// - Throws: `GraphStoreError`, or `EngineError` when the file has another size than it should.
  init(_ values: ObjectRecord.Values, path: String, _ reservation: StorageReservation?) throws {
    let file = try MappedFile.open(path: path, reservation: reservation)
    switch values.element {
    case .int64: self = .int64(try Buffer(file, count: values.count))
    case .uint64: self = .uint64(try Buffer(file, count: values.count))
    case .double: self = .double(try Buffer(file, count: values.count))
    case .vertexIDs: self = .vertexIDs(try Buffer(file, count: values.count))
    }
  }
}
