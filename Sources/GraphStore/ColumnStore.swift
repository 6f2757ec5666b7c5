import Workers

/// Stores columns in the files of a graph under construction.
struct ColumnStore {
  let staging: StagingDirectory
  let base: PropertyGraph?
  let workers: Workers

  /// Shares an unchanged column of the graph that is being extended.
  func share(_ column: Manifest.Column, of base: PropertyGraph) throws -> Manifest.Column {
    try staging.share(column.data, of: base)
    if let characters = column.characters { try staging.share(characters, of: base) }
    return column
  }

  /// Stores the values of all parts, one after the other, in the file `name`. The files of a single part are used as they are.
  /// All parts must have the type `type`.
  func store(_ parts: [Column], type: ColumnType, name: String) throws -> (Manifest.Column, Column) {
    var stored: Manifest.Column
    if parts.count == 1 {
      try staging.take(parts[0].data, as: name)
      if let characters = parts[0].characters { try staging.take(characters, as: name + ".characters") }
      stored = Manifest.Column(data: name, characters: type.isVariable ? name + ".characters" : nil)
    } else if type.isVariable {
      stored = try concatenateStrings(parts, name)
    } else {
      stored = try concatenateValues(parts, type, name)
    }
    stored.firstMissing = parts.lazy.compactMap(\.firstMissing).first
    let column = Column(
      name: parts.last?.name ?? "", type: type, count: parts.reduce(0) { $0 + $1.count },
      data: staging.files[stored.data]!, characters: stored.characters.map { staging.files[$0]! },
      firstMissing: stored.firstMissing)
    return (stored, column)
  }

  private func concatenateValues(_ parts: [Column], _ type: ColumnType, _ name: String) throws -> Manifest.Column {
    let count = parts.reduce(0) { $0 + $1.count }
    let file = try staging.create(name, byteCount: count * type.stride)
    var end = 0
    for part in parts where part.count > 0 {
      let size = part.count * type.stride
      try workers.copy(UnsafeRawBufferPointer(rebasing: part.data.bytes[..<size]), to: file.bytes.baseAddress! + end)
      end += size
    }
    return Manifest.Column(data: name, characters: nil)
  }

  private func concatenateStrings(_ parts: [Column], _ name: String) throws -> Manifest.Column {
    let count = parts.reduce(0) { $0 + $1.count }
    let size = parts.reduce(0) { $0 + ($1.count == 0 ? 0 : Int($1.strings.offsets.last! - $1.strings.offsets[0])) }
    let data = try staging.create(name, byteCount: (count + 1) * 8)
    let characters = try staging.create(name + ".characters", byteCount: size)
    let offsets = data.mutableValues(as: UInt64.self)
    var row = 0
    var end: UInt64 = 0
    for part in parts where part.count > 0 {
      let old = part.strings.offsets
      let shift = end &- old[0]
      try workers.forEach(part.count, grain: 1 << 16) { range, _ in
        for place in range { offsets[row + place] = old[place] &+ shift }
      }
      let bytes = part.strings.bytes[Int(old[0])..<Int(old[part.count])]
      if !bytes.isEmpty {
        try workers.copy(UnsafeRawBufferPointer(rebasing: bytes), to: characters.bytes.baseAddress! + Int(end))
      }
      row += part.count
      end += UInt64(bytes.count)
    }
    offsets[count] = end
    return Manifest.Column(data: name, characters: name + ".characters")
  }

  /// Gives the columns of several tables of one label the same order and types: those of the existing properties or, for a new
  /// label (nil), the order of the first table and the widest types. A column without any value fits every type.
  func aligned(
    _ tables: [[Column]], to known: [GraphSchema.Property]?, subject: String
  ) throws -> [(name: String, type: ColumnType, parts: [Column])] {
    guard let names = known?.map(\.name) ?? tables.first?.map(\.name) else { return [] }
    let conversion = ColumnConversion(
      staging: staging, workers: workers, subject: "a property of \(subject)", isOfIDs: false)
    for table in tables where table.count != names.count {
      throw unlike(subject, names, table.map(\.name))
    }
    return try names.enumerated().map { position, name in
      let columns = try tables.map { table in
        guard let column = table.first(where: { $0.name == name }) else {
          throw unlike(subject, names, table.map(\.name))
        }
        return column
      }
      let typed = columns.contains { !$0.isVacant } ? columns.filter { !$0.isVacant } : columns
      let type = known?[position].type ?? Self.widest(typed.map(\.type))
      return (name, type, try columns.map { try conversion.column($0, as: type) })
    }
  }

  /// Returns the type to which values of all these types are converted, as far as possible.
  private static func widest(_ types: [ColumnType]) -> ColumnType {
    let order: [ColumnType] = [
      .date32, .timestampMilliseconds, .int32List, .int64List, .floatList, .doubleList, .int32, .uint32, .int64,
      .uint64,
      .float, .double, .string,
    ]
    return types.max { order.firstIndex(of: $0)! < order.firstIndex(of: $1)! }!
  }

  private func unlike(_ subject: String, _ known: [String], _ found: [String]) -> GraphStoreError {
    func list(_ names: [String]) -> String { "[" + names.joined(separator: ", ") + "]" }
    return GraphStoreError(
      .invalidArgument, "the tables of \(subject) have different columns",
      evidence: "\(list(known)) and \(list(found))",
      hint: "Name the properties to load, so that all tables of the label have the same ones")
  }
}
