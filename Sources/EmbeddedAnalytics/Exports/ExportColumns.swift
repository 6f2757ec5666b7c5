import AnalyticsKernels
import Engines
import GraphStore
import Wire
import Workers

/// Values to be written to an archive, with the owners of their memory.
struct ExportColumn {
  let values: ArchiveColumn
  let owners: [AnyObject]

  init(_ values: ArchiveColumn, owners: [AnyObject]) {
    self.values = values
    self.owners = owners
  }

  /// Creates a column from a stored one. Dates are int32 days since 1970, timestamps int64 milliseconds since 1970, because
  /// archives have no types for them.
  /// - Throws: `EngineError` of code `notApplicable` for a column of lists, for which archives have no form.
  init(_ column: Column) throws(EngineError) {
    owners = [column.data] + (column.characters.map { [$0] } ?? [])
    values =
      switch column.type {
      case .int32, .date32: .int32(column.values(as: Int32.self))
      case .int64, .timestampMilliseconds: .int64(column.values(as: Int64.self))
      case .uint32: .uint32(column.values(as: UInt32.self))
      case .uint64: .uint64(column.values(as: UInt64.self))
      case .float: .float(column.values(as: Float.self))
      case .double: .double(column.values(as: Double.self))
      case .string: .strings(StringColumn(column.strings))
      case .int32List, .int64List, .floatList, .doubleList: throw .exportOfLists(column.name)
      }
  }

  /// Returns the size in bytes of the values of some rows in an archive, or of all if nil, without headers and names.
  func archiveBytes(_ rows: UnsafeBufferPointer<UInt32>?) -> Int {
    let count = rows?.count ?? values.count
    guard case .strings(let texts) = values else { return count * (values.type.stride ?? 0) }
    if let rows {
      return rows.reduce(8 * count) { $0 + Int(texts.offsets[Int($1) + 1] - texts.offsets[Int($1)]) }
    }
    guard let first = texts.offsets.first, let last = texts.offsets.last else { return 0 }
    return 8 * count + Int(last - first)
  }

  /// Concatenates the columns of several labels, which must have the same type.
  init(_ columns: [Column], _ bounds: ExportBounds) throws {
    guard columns.count != 1 else {
      try self.init(columns[0])
      return
    }
    let parts = try columns.map { try ExportColumn($0) }
    switch columns[0].type {
    case .string:
      self = try .concatenating(columns.map(\.strings), bounds)
    case .int32, .date32: self = try .concatenating(columns, Int32.self, bounds) { .int32($0) }
    case .int64, .timestampMilliseconds: self = try .concatenating(columns, Int64.self, bounds) { .int64($0) }
    case .uint32: self = try .concatenating(columns, UInt32.self, bounds) { .uint32($0) }
    case .uint64: self = try .concatenating(columns, UInt64.self, bounds) { .uint64($0) }
    case .float: self = try .concatenating(columns, Float.self, bounds) { .float($0) }
    case .double: self = try .concatenating(columns, Double.self, bounds) { .double($0) }
    case .int32List, .int64List, .floatList, .doubleList: throw EngineError.exportOfLists(columns[0].name)
    }
    withExtendedLifetime(parts) {}
  }

  private static func concatenating<T: BitwiseCopyable>(
    _ columns: [Column], _ type: T.Type, _ bounds: ExportBounds, _ wrap: (UnsafeBufferPointer<T>) -> ArchiveColumn
  ) throws -> ExportColumn {
    let buffer = try Buffer<T>(count: columns.reduce(0) { $0 + $1.count }, storage: bounds.storage)
    var place = 0
    for column in columns {
      let values = column.values(as: type)
      _ = UnsafeMutableBufferPointer(rebasing: buffer.mutableValues[place...]).update(from: values)
      place += values.count
    }
    return ExportColumn(wrap(buffer.unownedValues), owners: [buffer])
  }

  /// Concatenates texts from several sources.
  static func concatenating(_ parts: [StringValues], _ bounds: ExportBounds) throws -> ExportColumn {
    try texts(count: parts.reduce(0) { $0 + $1.count }, bounds) { body in
      for part in parts { for index in 0..<part.count { try body(part[index]) } }
    }
  }

  /// Collects the texts that `source` passes to its argument. `source` is called twice, to measure and to copy.
  static func texts(
    count: Int, _ bounds: ExportBounds, _ source: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws -> ExportColumn {
    let offsets = try Buffer<UInt64>(count: count + 1, storage: bounds.storage)
    var index = 0
    try source { text in
      offsets.mutableValues[index + 1] = offsets.mutableValues[index] + UInt64(text.count)
      index += 1
      if index % chunkWork == 0 { try bounds.cancellation.check() }
    }
    let bytes = try Buffer<UInt8>(count: Int(offsets.values[count]), storage: bounds.storage)
    index = 0
    try source { text in
      let place = Int(offsets.values[index])
      UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes.mutableValues)[place...])
        .copyMemory(from: text)
      index += 1
      if index % chunkWork == 0 { try bounds.cancellation.check() }
    }
    let column = StringColumn(offsets: offsets.unownedValues, bytes: UnsafeRawBufferPointer(bytes.unownedValues))
    return ExportColumn(.strings(column), owners: [offsets, bytes])
  }
}

extension EngineError {
  /// Makes the error for exporting a column of lists.
  fileprivate static func exportOfLists(_ name: String) -> EngineError {
    EngineError(
      .notApplicable, "property '\(name)' holds lists, which arrays and data frames of a client cannot hold",
      hint: "Read the columns that it was made of from the graph before consolidate_columns()")
  }
}

extension StringColumn {
  /// Refers to the strings of a stored column.
  init(_ strings: StringValues) { self.init(offsets: strings.offsets, bytes: strings.bytes) }
}

extension ExportColumn {
  /// Returns the original ids of a graph's vertices, in the graph's id type.
  static func ids(
    _ ids: [VertexIDs], type: GraphOptions.IDType, owner: AnyObject, _ bounds: ExportBounds
  ) throws -> ExportColumn {
    let texts = ids.compactMap { if case .string(let values) = $0 { values } else { nil } }
    if texts.count == ids.count, let first = texts.first {
      return texts.count == 1
        ? ExportColumn(.strings(StringColumn(first)), owners: [owner]) : try concatenating(texts, bounds)
    }
    let numbers = ids.compactMap { if case .int64(let values) = $0 { values } else { nil } }
    if type == .int64, numbers.count == 1 { return ExportColumn(.int64(numbers[0]), owners: [owner]) }
    let count = numbers.reduce(0) { $0 + $1.count }
    if type == .int32 {
      let buffer = try Buffer<Int32>(count: count, storage: bounds.storage)
      for (place, id) in numbers.joined().enumerated() {
        buffer.mutableValues[place] = Int32(truncatingIfNeeded: id)
        if place % chunkWork == 0 { try bounds.cancellation.check() }
      }
      return ExportColumn(.int32(buffer.unownedValues), owners: [buffer])
    }
    let buffer = try Buffer<Int64>(count: count, storage: bounds.storage)
    var place = 0
    for part in numbers {
      _ = UnsafeMutableBufferPointer(rebasing: buffer.mutableValues[place...]).update(from: part)
      place += part.count
    }
    return ExportColumn(.int64(buffer.unownedValues), owners: [buffer])
  }

  /// Returns the values of a result.
  static func values(
    _ values: ResultValues, of graph: SimpleGraph, _ bounds: ExportBounds
  ) throws -> ExportColumn {
    switch values {
    case .bool(let buffer): return ExportColumn(.bool(buffer.unownedValues), owners: [buffer])
    case .int32(let buffer): return ExportColumn(.int32(buffer.unownedValues), owners: [buffer])
    case .int64(let buffer): return ExportColumn(.int64(buffer.unownedValues), owners: [buffer])
    case .uint64(let buffer): return ExportColumn(.uint64(buffer.unownedValues), owners: [buffer])
    case .double(let buffer): return ExportColumn(.double(buffer.unownedValues), owners: [buffer])
    case .vertexIDs(let buffer):
      let ids = OriginalIDs(segments: graph.segments)
      return try texts(count: buffer.values.count, bounds) { body in
        for vertex in buffer.values {
          let vertex = Int(vertex)
          try ids.forEachText(vertex..<vertex + 1) { _, text in try body(text) }
        }
      }
    }
  }
}
