import DynamicGraphs
import Engines
import GraphStore
import JSON
import Workers

/// The values of one attribute of all nodes, or of all edges, as they go into a column.
struct AttributeColumn {
  let name: String
  private(set) var type: ColumnType?
  /// The values in order; nil where the attribute is missing.
  private var values: [JSONValue?] = []
  private var isComplete = true

  init(_ name: String) { self.name = name }

  /// Adds the value of the next node or edge.
  /// - Throws: `EngineError` for a value that fits no column, or not the type of those before.
  mutating func add(_ attributes: Attributes, of owner: () -> String) throws(EngineError) {
    let value = attributes.value(of: name)
    values.append(value)
    guard let value else {
      isComplete = false
      return
    }
    let found: ColumnType
    switch value {
    case .bool, .integer: found = .int64
    case .double: found = .double
    case .string: found = .string
    case .null, .array, .object:
      throw EngineError(
        .engineFailure, "the attribute '\(name)' of \(owner()) is neither a number nor a text",
        evidence: String(value.encoded.prefix(100)), hint: "Remove it, or convert it to a number or a text")
    }
    switch (type, found) {
    case (nil, _), (.int64, .double): type = found
    case (.double, .int64): break
    case (let type, _):
      guard type == found else {
        throw EngineError(
          .engineFailure, "the attribute '\(name)' has numbers and texts as values",
          evidence: "\(owner()): \(String(value.encoded.prefix(100)))", hint: "Give all of them the same type")
      }
    }
  }

  /// Writes the values to a column in new files; nil if there are none. Where the attribute is missing, writes `missing` if it
  /// is a number.
  /// - Throws: `EngineError` if a value is missing and `missing` is nil; `GraphStoreError`.
  func column(_ files: ColumnFiles, missing: Double?, of kind: String) throws -> Column? {
    guard let type else { return nil }
    guard isComplete || missing != nil else {
      throw EngineError(
        .engineFailure, "not all \(kind) have the attribute '\(name)'", hint: "Set it for all of them, or use another")
    }
    switch type {
    case .string: return try files.texts(name, values.map { $0?.text ?? "" })
    case .double: return try files.numbers(name, .double, values.map { $0.flatMap(\.number) ?? missing ?? 0 })
    default:
      let missing = Int64(missing ?? 0)
      return try files.numbers(name, .int64, values.map { $0.flatMap(\.wholeNumber) ?? missing })
    }
  }
}

extension JSONValue {
  fileprivate var number: Double? {
    switch self {
    case .double(let value): value
    case .integer(let value): Double(value)
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  fileprivate var wholeNumber: Int64? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }
}

/// Makes columns in new files of a directory.
final class ColumnFiles {
  private let directory: String
  private let storage: any StorageAccount
  private var count = 0

  init(directory: String, storage: any StorageAccount) { (self.directory, self.storage) = (directory, storage) }

  func numbers<T: BitwiseCopyable>(_ name: String, _ type: ColumnType, _ values: [T]) throws -> Column {
    let data = try file(values.count * type.stride)
    _ = data.mutableValues(as: T.self).update(from: values)
    return Column(name: name, type: type, count: values.count, data: data)
  }

  func texts(_ name: String, _ values: [String]) throws -> Column {
    let offsets = try file((values.count + 1) * ColumnType.string.stride)
    let characters = try file(values.reduce(0) { $0 + $1.utf8.count })
    let places = offsets.mutableValues(as: UInt64.self)
    var place = 0
    for (index, var value) in values.enumerated() {
      places[index] = UInt64(place)
      value.withUTF8 {
        if !$0.isEmpty {
          UnsafeMutableRawBufferPointer(rebasing: characters.bytes[place...]).copyMemory(
            from: UnsafeRawBufferPointer($0))
        }
        place += $0.count
      }
    }
    places[values.count] = UInt64(place)
    return Column(name: name, type: .string, count: values.count, data: offsets, characters: characters)
  }

  private func file(_ byteCount: Int) throws -> MappedFile {
    count += 1
    return try MappedFile.create(path: "\(directory)/\(count)", byteCount: byteCount, storage: storage)
  }
}
