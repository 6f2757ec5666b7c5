import Engines
import Glibc
import GraphStore

/// Writes delimited files.
struct TableFiles {
  let directory: String
  private(set) var sources: [TableSource] = []

  init(directory: String) { self.directory = directory }

  /// Writes a table of vertices; the first column holds the ids.
  mutating func vertices(
    _ label: String, _ header: String, _ rows: Int, _ row: (inout Line, inout Random, Int) -> Void
  ) throws {
    try add(.vertices(label: label, id: .index(0)), header, rows, row)
  }

  /// Writes a table of edges; the first two columns hold the ids of their ends.
  mutating func edges(
    _ label: String, _ source: String, _ destination: String, _ header: String, _ rows: Int,
    _ row: (inout Line, inout Random, Int) -> Void
  ) throws {
    try add(
      .edges(
        label: label, sourceLabel: source, destinationLabel: destination, source: .index(0), destination: .index(1)),
      header, rows, row)
  }

  private mutating func add(
    _ role: TableSource.Role, _ header: String, _ rows: Int, _ row: (inout Line, inout Random, Int) -> Void
  ) throws {
    let path = "\(directory)/\(sources.count).csv"
    guard let file = fopen(path, "w") else { throw Failure() }
    var line = Line()
    line.bytes = Array(header.utf8) + [10]
    var random = Random(state: UInt64(sources.count) + 1)
    for number in 0..<rows {
      row(&line, &random, number)
      line.end()
      if line.bytes.count > 1 << 16 || number == rows - 1 {
        guard fwrite(line.bytes, 1, line.bytes.count, file) == line.bytes.count else { throw Failure() }
        line.bytes.removeAll(keepingCapacity: true)
      }
    }
    guard fclose(file) == 0 else { throw Failure() }
    sources.append(TableSource(role: role, location: .csv(path: path, CSVOptions())))
  }

  /// A file that could not be written.
  struct Failure: Error {}
}

/// Composes the lines of a file.
struct Line {
  var bytes: [UInt8] = []

  mutating func integers(_ values: Int...) {
    for value in values { cell(String(value)) }
  }

  mutating func decimal(_ thousandths: Int) { cell("\(thousandths / 1000).\(thousandths % 1000 + 1000)") }

  mutating func text(_ prefix: String, _ number: Int) { cell(prefix + String(number)) }

  mutating func quoted(_ prefix: String, _ number: Int) { cell("\"\(prefix)\(number)\"") }

  mutating func date(_ day: Int) {
    let (month, rest) = (day / 28 % 12 + 1, day % 28 + 1)
    cell("\(1990 + day / 336)-\(month < 10 ? "0" : "")\(month)-\(rest < 10 ? "0" : "")\(rest)")
  }

  private mutating func cell(_ text: String) {
    bytes.append(contentsOf: text.utf8)
    bytes.append(UInt8(ascii: ","))
  }

  mutating func end() { bytes[bytes.count - 1] = 10 }
}
