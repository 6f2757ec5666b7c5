/// What loading takes, term by term, in bytes. Each formula follows the code it names, and changes with it.
enum LoadFormulas {
  // MARK: Files

  /// The files of a column (`ColumnFileStaging`): values, or offsets and characters.
  static func column(_ type: ColumnType, rows: Double, textBytes: Double) -> Double {
    type == .string ? (rows + 1) * 8 + textBytes : rows * Double(type.stride)
  }

  /// The two ends of edges, as vertex numbers (`EdgeTables`).
  static func endpoints(edges: Double) -> Double { 2 * 4 * edges }

  /// Compressed rows (`EdgeTables.createRows`): offsets, neighbours, edges.
  static func rows(vertices: Double, entries: Double) -> Double { offsets(vertices: vertices) + (4 + 4) * entries }

  /// The offsets of compressed rows alone.
  static func offsets(vertices: Double) -> Double { 8 * (vertices + 1) }

  /// Generated edge ids.
  static func edgeIDs(edges: Double) -> Double { 8 * edges }

  /// The index of a label's ids (`IDIndex.build`). `range` is nil for text.
  static func index(vertices: Double, range: Double?, countsUp: Bool) -> Double {
    if countsUp || vertices == 0 && range != nil { return 0 }
    if let range, range <= max(1024, Double(IDIndex.directEntriesPerVertex) * vertices) { return 4 * range }
    return 8 * powerOfTwo(atLeast: vertices + (vertices / 2).rounded(.down), from: 16)
  }

  // MARK: Memory for a while

  /// Reading a text file (`CSVReader`): a block and an eighth of one per thread, and the texts of a window of chunks.
  static func csvReading(
    dataBytes: Double, textShare: Double, blockBytes: Double, windowBytes: Double, threads: Double
  ) -> Double {
    let buffers = min(dataBytes, threads * blockBytes) * 9 / 8
    return buffers + min(dataBytes, threads * windowBytes) * min(1, textShare)
  }

  /// Building compressed rows (`CSRBuilder`).
  static func buildingRows(entries: Double) -> Double { Double(CSRBuilder.scratchBytes(entryCount: 1)) * entries }

  /// Collecting distinct ids (`DistinctIDs`): a bit per possible integer or a hash table, and a list.
  static func collecting(distinct: Double, total: Double, range: Double?) -> Double {
    let least = Double(DistinctIDs.leastCapacity)
    let list = (range == nil ? 16 : 8) * powerOfTwo(atLeast: distinct, from: least)
    if let range, range <= max(1024, 16 * total) { return range / 8 + list }
    // It grows when two thirds of it are full, and the old one is there until the new one is filled.
    let table = 8 * powerOfTwo(atLeast: distinct * 3 / 2, from: least)
    return table + list
  }

  private static func powerOfTwo(atLeast count: Double, from least: Double) -> Double {
    var size = least
    while size < count { size *= 2 }
    return size
  }
}
