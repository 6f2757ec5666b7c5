/// The properties of a table that determine what loading it takes, found without reading all of it.
public struct TableSketch: Sendable {
  /// A column that loading would create.
  struct Column: Sendable {
    var name: String
    var type: ColumnType
    /// Bytes of all its values as text.
    var textBytes: Double
    /// A sample of its values, if they are ids.
    var ids: IDSample?
  }

  /// The number of rows, counted or estimated.
  public internal(set) var rowCount: Double
  var columns: [Column]
  /// The size of the file in bytes.
  public internal(set) var byteCount: Int
  /// Bytes of memory that reading takes beside the columns, by number of threads.
  var readingBytes: @Sendable (_ threads: Int) -> Double

  /// Names and types of the columns that loading would create. The types of a text file's columns are guessed from samples.
  public var columnTypes: [(name: String, type: ColumnType)] { columns.map { ($0.name, $0.type) } }

  /// Returns the position of the referenced column; nil if there is none.
  public func position(of reference: ColumnReference) -> Int? {
    if case .index(let index) = reference, columns.indices.contains(index) { return index }
    return columns.firstIndex { $0.name == reference.description }
  }
}

extension TableReader {
  /// Sketches a delimited text file from its size, its header and samples spread over it: half a MiB, or 4 MiB of a file of
  /// gigabytes.
  ///
  /// - Parameter ids: The columns that hold ids.
  /// - Throws: The errors that reading the file would throw at once: for a file that is missing, not a file, or lacks columns;
  ///   `limitExceeded` for a header that is too long for a sketch.
  public static func sketchCSV(
    _ file: OpenedFile, options: CSVOptions, ids: [ColumnReference]
  ) throws(GraphStoreError) -> TableSketch {
    try CSVSampler.sketch(file, options: options, ids: ids)
  }

  /// Sketches an Arrow IPC stream in a file from its schema, the headers of its batches and some of its ids.
  ///
  /// - Parameter ids: The columns that hold ids.
  /// - Throws: The errors that reading a malformed stream would throw.
  public static func sketchArrowStream(
    path: String, byteCount: Int, ids: [ColumnReference]
  ) throws(GraphStoreError) -> TableSketch {
    try ArrowSampler.sketch(path: path, byteCount: byteCount, ids: ids)
  }
}
