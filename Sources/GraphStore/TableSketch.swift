/// What can be told of a table without reading all of it, as far as loading it depends on that.
public struct TableSketch: Sendable {
  /// A column that loading would make.
  struct Column: Sendable {
    var name: String
    var type: ColumnType
    /// Bytes of all its values as text.
    var textBytes: Double
    /// Some of its values, if they are ids.
    var ids: IDSample?
  }

  /// Rows, counted or estimated.
  public internal(set) var rowCount: Double
  var columns: [Column]
  /// Bytes of the file.
  public internal(set) var byteCount: Int
  /// Memory that reading takes beside the columns, for a number of threads.
  var readingBytes: @Sendable (_ threads: Int) -> Double

  /// The column that is meant; nil if there is none.
  func position(of reference: ColumnReference) -> Int? {
    if case .index(let index) = reference, columns.indices.contains(index) { return index }
    return columns.firstIndex { $0.name == reference.description }
  }
}

extension TableReader {
  /// Looks at a delimited text file: at its size, its header and some pieces spread over it: half a MiB,
  /// and of a file of GiB 4 MiB.
  ///
  /// - Parameter ids: the columns that hold ids.
  /// - Throws: what reading it would throw at once: for a file that is missing or no file, or lacks columns; also
  ///   `limitExceeded` for a header that is too long to be looked at in passing.
  public static func sketchCSV(
    path: String, options: CSVOptions, ids: [ColumnReference]
  ) throws(GraphStoreError) -> TableSketch {
    try CSVSampler.sketch(path: path, options: options, ids: ids)
  }

  /// Looks at an Arrow IPC stream in a file: at its schema, the heads of its batches and some of its ids.
  ///
  /// - Parameter ids: the columns that hold ids.
  /// - Throws: what reading it would throw for a stream that is malformed.
  public static func sketchArrowStream(
    path: String, byteCount: Int, ids: [ColumnReference]
  ) throws(GraphStoreError) -> TableSketch {
    try ArrowSampler.sketch(path: path, byteCount: byteCount, ids: ids)
  }
}
