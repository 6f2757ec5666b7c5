/// The requested columns of a file, and how to read their cells.
struct CSVSelection: Equatable {
  /// Indices in the file of the requested columns, in the order of the table. An index may occur twice.
  private(set) var wanted: [Int] = []
  /// One reading per column of the file: `.skip` if the column is not requested, `.classify` if its type is to be inferred.
  private(set) var readings: [CellReading]
  /// Columns that must have a value in every row.
  private(set) var required: Set<Int> = []

  /// Finds the columns of the options in the header. Throws if a column does not exist, if a type is unknown, or if a column is
  /// requested with two types.
  init(_ options: CSVOptions, header: CSVHeader, file: CSVFile) throws(GraphStoreError) {
    readings = header.names.map { _ in .skip }
    for (reference, typeName) in options.columns {
      let column = try header.index(of: reference, in: file)
      wanted.append(column)
      if wanted.count <= options.requiredColumnCount { required.insert(column) }
      let reading = try Self.reading(typeName, of: header.names[column], in: file)
      if readings[column] == .skip || readings[column] == .classify {
        readings[column] = reading
      } else if reading != .classify, reading != readings[column] {
        throw GraphStoreError(
          .invalidArgument, "column '\(header.names[column])' of '\(file.path)' is requested with two types",
          evidence: "\(readings[column]) and \(reading)", hint: "Give it one type")
      }
    }
    guard options.includesAllColumns else { return }
    for column in readings.indices where readings[column] == .skip {
      wanted.append(column)
      readings[column] = .classify
    }
  }

  private static func reading(
    _ typeName: String?, of column: String, in file: CSVFile
  ) throws(GraphStoreError) -> CellReading {
    guard let typeName, !typeName.isEmpty else { return .classify }
    guard let reading = CellReading(typeName: typeName) else {
      throw GraphStoreError(
        .invalidArgument, "column '\(column)' of '\(file.path)' cannot have the type '\(typeName)'",
        hint: "Use one of \(CellReading.typeNames), or none to infer it")
    }
    return reading
  }
}
