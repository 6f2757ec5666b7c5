/// What loading takes, term by term, in bytes. Each formula mirrors the code that it names and must change with it.
enum LoadFormulas {
  // MARK: Files

  /// Returns the size of a column's files (`ColumnFileStaging`): values, or offsets and characters.
  static func column(_ type: ColumnType, rows: Double, textBytes: Double) -> Double {
    type.isVariable ? (rows + 1) * 8 + textBytes : rows * Double(type.stride)
  }

  /// Returns the size of the two ends of edges, as vertex numbers (`EdgeTables`).
  static func endpoints(edges: Double) -> Double { 2 * 4 * edges }

  /// Returns the size of compressed rows (`EdgeTables.createRows`): offsets, neighbours, edges.
  static func rows(vertices: Double, entries: Double) -> Double { offsets(vertices: vertices) + (4 + 4) * entries }

  /// Returns the size of the offsets of compressed rows.
  static func offsets(vertices: Double) -> Double { 8 * (vertices + 1) }

  /// Returns the size of generated edge ids.
  static func edgeIDs(edges: Double) -> Double { 8 * edges }

  /// Returns the size of the index of a label's ids (`IDIndex.build`). `range` is nil for text.
  static func index(vertices: Double, range: Double?, countsUp: Bool) -> Double {
    if countsUp || vertices == 0 && range != nil { return 0 }
    if let range, range <= max(1024, Double(IDIndex.directEntriesPerVertex) * vertices) { return 4 * range }
    return 8 * powerOfTwo(atLeast: vertices + (vertices / 2).rounded(.down), from: 16)
  }

  // MARK: Temporary memory

  /// Returns the memory for reading a text file (`CSVReader`): per thread 1⅛ blocks, and the texts of a window of chunks.
  static func csvReading(
    dataBytes: Double, textShare: Double, blockBytes: Double, windowBytes: Double, threads: Double
  ) -> Double {
    let buffers = min(dataBytes, threads * blockBytes) * 9 / 8
    return buffers + min(dataBytes, threads * windowBytes) * min(1, textShare)
  }

  /// Returns the memory for building compressed rows (`CSRBuilder`).
  static func buildingRows(entries: Double) -> Double { Double(CSRBuilder.scratchBytes(entryCount: 1)) * entries }

  /// Returns the memory for collecting distinct ids (`DistinctIDs`): a bit per possible integer, or a hash table; and a list.
  static func collecting(distinct: Double, total: Double, range: Double?) -> Double {
    let least = Double(DistinctIDs.leastCapacity)
    let list = (range == nil ? 16 : 8) * powerOfTwo(atLeast: distinct, from: least)
    if let range, range <= max(1024, 16 * total) { return range / 8 + list }
    // The table grows when it is two thirds full, and the old table exists until the new one is filled.
    let table = 8 * powerOfTwo(atLeast: distinct * 3 / 2, from: least)
    return table + list
  }

  private static func powerOfTwo(atLeast count: Double, from least: Double) -> Double {
    var size = least
    while size < count { size *= 2 }
    return size
  }
}
