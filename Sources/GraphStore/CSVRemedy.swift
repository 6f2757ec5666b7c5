/// Suggests a remedy for an unreadable text file, based on its first line and the faulty row.
struct CSVRemedy {
  let header: CSVHeader
  let delimiter: UInt8

  /// The delimiters to consider, likeliest first.
  private static let delimiters = [0x09, UInt8(ascii: "|"), UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: " ")]

  private static let comments =
    "Lines that begin with '#' or '%' are not treated as comments: remove them, for example with grep -v '^[#%]', "
    + "and load the rest with Loader(path, delimiter=..., header_row=False) if it has no header"

  /// The remedy for a column that the first line does not contain; nil if nothing about that line is conspicuous.
  var forHeader: String? {
    if Self.isComment(header.firstLine) { return Self.comments }
    guard header.names.count == 1 else { return nil }
    return Self.delimiters.lazy.filter { count($0, in: header.firstLine) > 0 }.first.map(other)
      ?? "Check the delimiter: with this one, all of the first line is one column"
  }

  /// The remedy for a row whose number of fields differs from the first.
  func forFieldCount(_ count: Int, row: String) -> String {
    if Self.isComment(row) || Self.isComment(header.firstLine) { return Self.comments }
    let expected = header.names.count
    let others = Self.delimiters.filter { self.count($0, in: row) == max(1, expected - 1) }
    if count == 1, let likely = others.first { return other(likely) }
    return count == 1 ? "Check the delimiter '\(CSVHeader.name(of: delimiter))'" : ""
  }

  /// The remedy for a cell that does not fit its type.
  func forValue(row: String, isID: Bool) -> String {
    if Self.isComment(row) { return Self.comments }
    if !row.utf8.contains(delimiter) {
      // A delimiter is likely if it divides every line alike, or this line into as many fields as there are names.
      let likely = Self.delimiters.first {
        let found = count($0, in: row)
        return found > 0 && (found == count($0, in: header.firstLine) || found == header.names.count - 1)
      }
      if let likely { return other(likely) }
    }
    guard isID else { return "Correct the value, or give the column another type" }
    return
      "The ids of this graph are integers: load it with oid_type=\"string\" if texts are ids, or name the column that "
      + "holds the ids"
  }

  private static func isComment(_ line: String) -> Bool { line.hasPrefix("#") || line.hasPrefix("%") }

  private func count(_ delimiter: UInt8, in line: String) -> Int {
    delimiter == self.delimiter ? 0 : line.utf8.count { $0 == delimiter }
  }

  private func other(_ delimiter: UInt8) -> String {
    let spelled =
      delimiter == 0x09 ? "\\t" : CSVHeader.name(of: delimiter) == "blank" ? " " : CSVHeader.name(of: delimiter)
    return
      "The fields seem to be separated by '\(CSVHeader.name(of: delimiter))', not "
      + "'\(CSVHeader.name(of: self.delimiter))': "
      + "use Loader(path, delimiter=\"\(spelled)\")"
      + (delimiter == 0x20 ? "; replace runs of spaces by single spaces first, for example with tr -s ' '" : "")
  }
}
