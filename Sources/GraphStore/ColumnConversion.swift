import Workers

/// Converts columns to the type that a graph requires, if the conversion loses nothing.
struct ColumnConversion {
  let staging: StagingDirectory
  let workers: Workers
  /// The subject of error messages, for example "the ids of vertex label 'person'".
  let subject: String
  /// Whether the columns hold ids, which must not be made up.
  let isOfIDs: Bool

  private static let grain = 1 << 16

  /// Returns the column with values of `type`: the column itself if it has that type, otherwise a temporary one. Integers become
  /// other integers if they fit, floating-point numbers or text; a column without any value becomes a column of zeros or empty
  /// texts.
  /// - Throws: an error that names the value and its row for any other conversion.
  func column(_ column: Column, as type: ColumnType) throws -> Column {
    if column.type == type { return column }
    if column.count == 0 || column.isVacant && !isOfIDs { return try zeros(column, type) }
    switch column.type {
    case .int32: return try integers(column, column.values(as: Int32.self), as: type)
    case .int64: return try integers(column, column.values(as: Int64.self), as: type)
    case .uint32: return try integers(column, column.values(as: UInt32.self), as: type)
    case .uint64: return try integers(column, column.values(as: UInt64.self), as: type)
    case .float where type == .double:
      let values = column.values(as: Float.self)
      return try fixed(column, type, Double.self) { Double(values[$0]) }
    case .float, .double, .string, .date32, .timestampMilliseconds, .int32List, .int64List, .floatList, .doubleList:
      throw mismatch(column, type)
    }
  }

  private func zeros(_ column: Column, _ type: ColumnType) throws -> Column {
    let isText = type.isVariable
    return Column(
      name: column.name, type: type, count: column.count,
      data: try staging.createTemporary(byteCount: (column.count + (isText ? 1 : 0)) * type.stride),
      characters: isText ? try staging.createTemporary(byteCount: 0) : nil, firstMissing: column.firstMissing,
      isVacant: column.isVacant)
  }

  private func integers<T: FixedWidthInteger & BitwiseCopyable>(
    _ column: Column, _ values: UnsafeBufferPointer<T>, as type: ColumnType
  ) throws -> Column {
    switch type {
    case .int32: return try fixed(column, type, Int32.self) { Int32(exactly: values[$0]) }
    case .int64: return try fixed(column, type, Int64.self) { Int64(exactly: values[$0]) }
    case .uint32: return try fixed(column, type, UInt32.self) { UInt32(exactly: values[$0]) }
    case .uint64: return try fixed(column, type, UInt64.self) { UInt64(exactly: values[$0]) }
    case .float: return try fixed(column, type, Float.self) { Float(exactly: values[$0]) }
    case .double: return try fixed(column, type, Double.self) { Double(exactly: values[$0]) }
    case .string: return try decimalText(column, values)
    case .date32, .timestampMilliseconds, .int32List, .int64List, .floatList, .doubleList: throw mismatch(column, type)
    }
  }

  /// Converts value by value; `convert` returns nil for a value that does not fit.
  private func fixed<T: BitwiseCopyable>(
    _ column: Column, _ type: ColumnType, _: T.Type, _ convert: (Int) -> T?
  ) throws -> Column {
    let file = try staging.createTemporary(byteCount: column.count * type.stride)
    let results = file.mutableValues(as: T.self)
    let unfit = try workers.map(column.count, grain: Self.grain) { rows -> Int? in
      for row in rows {
        guard let value = convert(row) else { return row }
        results[row] = value
      }
      return nil
    }
    if let row = unfit.lazy.compactMap({ $0 }).first { throw mismatch(column, type, row: row) }
    return Column(
      name: column.name, type: type, count: column.count, data: file, firstMissing: column.firstMissing)
  }

  private func decimalText<T: FixedWidthInteger>(_ column: Column, _ values: UnsafeBufferPointer<T>) throws -> Column {
    let data = try staging.createTemporary(byteCount: (column.count + 1) * 8)
    let offsets = data.mutableValues(as: UInt64.self)
    var end = 0
    for row in 0..<column.count {
      if row & 0xFFFF == 0 { try workers.cancellation.check() }
      offsets[row] = UInt64(end)
      end += String(values[row]).utf8.count
    }
    offsets[column.count] = UInt64(end)
    let characters = try staging.createTemporary(byteCount: end)
    try workers.forEach(column.count, grain: Self.grain) { rows, _ in
      for row in rows {
        var place = Int(offsets[row])
        for byte in String(values[row]).utf8 {
          characters.bytes[place] = byte
          place += 1
        }
      }
    }
    return Column(
      name: column.name, type: .string, count: column.count, data: data, characters: characters,
      firstMissing: column.firstMissing)
  }

  private func mismatch(_ column: Column, _ type: ColumnType, row: Int? = nil) -> GraphStoreError {
    let row = row ?? Self.firstMisfit(column, type)
    var evidence = "column '\(column.name)' holds \(column.type.rawValue)"
    if row < column.count { evidence += "; row \(row + 1) is '\(column.text(row: row))'" }
    return GraphStoreError(
      .invalidData, "\(subject) cannot be read as \(type.rawValue)", evidence: evidence,
      hint: isOfIDs
        ? Self.idRemedy(column.type, type)
        : "Give the column one type in all tables of the label, such as "
          + "with properties=[(\"\(column.name)\", \"str\")] for a file, or .astype(...) for a data frame")
  }

  /// Returns the remedy for ids whose type differs from that of the graph's ids.
  private static func idRemedy(_ found: ColumnType, _ wanted: ColumnType) -> String {
    switch found {
    case .string: "Load the graph with oid_type=\"string\", or name the column that holds integers"
    case .float, .double:
      "Convert the ids, such as with .astype(\"int64\") in pandas, which converts integers to floats if values are "
        + "missing"
    case .int32List, .int64List, .floatList, .doubleList: "Name a column of integers or texts"
    case .date32, .timestampMilliseconds: "Convert the ids to integers or texts, such as with .astype(str) in pandas"
    case .int32, .int64, .uint32, .uint64:
      wanted == .int32
        ? "Load the graph with oid_type=\"int64_t\"" : "Load the graph with oid_type=\"string\" to keep them as texts"
    }
  }

  /// Returns the row to show in a message: for text that should be a number, the first row that is not one.
  private static func firstMisfit(_ column: Column, _ type: ColumnType) -> Int {
    guard column.type == .string else { return 0 }
    let strings = column.strings
    let first = (0..<column.count).first { Int64(String(decoding: strings[$0], as: UTF8.self)) == nil }
    return first ?? 0
  }
}

extension Column {
  /// Returns a value as text, for messages; long text is truncated.
  func text(row: Int) -> String {
    switch type {
    case .int32, .date32: String(values(as: Int32.self)[row])
    case .int64, .timestampMilliseconds: String(values(as: Int64.self)[row])
    case .uint32: String(values(as: UInt32.self)[row])
    case .uint64: String(values(as: UInt64.self)[row])
    case .float: String(values(as: Float.self)[row])
    case .double: String(values(as: Double.self)[row])
    case .string: String(decoding: strings[row].prefix(200), as: UTF8.self)
    case .int32List, .int64List, .floatList, .doubleList: "a list of numbers"
    }
  }
}
