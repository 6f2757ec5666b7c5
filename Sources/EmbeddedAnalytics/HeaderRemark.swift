import GraphStore

/// Detects column names in a file that look like data. They may be intended, so this is a line in the session's log rather than
/// an error.
enum HeaderRemark {
  /// - Returns: the remark; nil if the names look like names.
  static func of(_ table: Table, _ path: String, _ options: CSVOptions) -> String? {
    guard options.hasHeader, let first = table.columns.first else { return nil }
    if table.columns.allSatisfy({ Double($0.name)?.isFinite == true }) {
      let names = table.columns.prefix(4).map(\.name).joined(separator: ", ") + (table.columns.count > 4 ? ", …" : "")
      return "the first line of '\(path)' was read as the header, but its column names are numbers (\(names)). "
        + "If it is a row of data, load the file with Loader(path, header_row=False)"
    }
    guard first.name.isEmpty else { return nil }
    return
      "the first column of '\(path)' has no name, which happens when a data frame is written with its index. If the ids are "
      + "in other columns, specify these with vid_field, or with src_field and dst_field"
  }
}
