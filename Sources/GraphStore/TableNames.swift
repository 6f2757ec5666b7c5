/// Checks that names within a table or a graph are distinct for everyone.
///
/// Swift compares texts by grapheme clusters, in canonical equivalence; clients and other engines compare code points. Names that
/// are equal by one comparison and different by the other are rejected, so that a name means the same everywhere.
enum TableNames {
  /// Throws `invalidArgument` when two of the columns that become properties have the same name.
  static func checkColumns(_ columns: [Column], of table: Table, _ subject: String) throws(GraphStoreError) {
    let owner = table.origin.isEmpty ? subject : "'\(table.origin)', \(subject),"
    try check(
      columns.map(\.name), "\(owner) has",
      hint:
        "Rename one of them in the file's first line, or load only one: a column can be named by its number, counted "
        + "from 0, also in properties=[\"2\"]")
  }

  /// Throws `invalidArgument` when two labels have names that differ only in their code points.
  static func checkLabels(_ names: [String], _ kind: String) throws(GraphStoreError) {
    var seen: [String: String] = [:]
    for name in names {
      guard let other = seen.updateValue(name, forKey: name), !isIdentical(name, other) else { continue }
      throw lookAlike("there are two \(kind) labels", other, name, hint: "Use one spelling of the label")
    }
  }

  /// Throws `invalidArgument` when two column names are equal. `owner` begins the message.
  static func check(_ names: [String], _ owner: String, hint: String) throws(GraphStoreError) {
    var seen: [String: String] = [:]
    for name in names {
      guard let other = seen.updateValue(name, forKey: name) else { continue }
      guard isIdentical(name, other) else { throw lookAlike("\(owner) two columns", other, name, hint: hint) }
      throw GraphStoreError(.invalidArgument, "\(owner) two columns named '\(name)'", hint: hint)
    }
  }

  private static func isIdentical(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

  private static func lookAlike(_ owner: String, _ one: String, _ other: String, hint: String) -> GraphStoreError {
    GraphStoreError(
      .invalidArgument, "\(owner) named '\(one)' that differ only in Unicode normalization",
      evidence: "\(codePoints(one)) and \(codePoints(other))",
      hint: hint + ". unicodedata.normalize(\"NFC\", name) in Python makes them alike")
  }

  /// Returns the code points of a name that is not all ASCII, as in "U+0065 U+0301".
  private static func codePoints(_ name: String) -> String {
    name.unicodeScalars.prefix(20).map { scalar in
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }.joined(separator: " ")
  }
}
