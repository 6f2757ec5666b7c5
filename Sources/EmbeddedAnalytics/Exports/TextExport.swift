import Engines
import Glibc
import GraphStore
import JSON
import Wire
import Workers

/// The form of a delimited text file.
struct TextForm {
  /// The character between two values.
  var delimiter = UInt8(ascii: ",")
  /// Whether the first line holds the names of the columns.
  var hasHeader = false

  /// Reads the options that a client gives for writing.
  /// - Throws: `EngineError` of code `invalidArgument` for an option that is not known or has an invalid value.
  init(_ options: String) throws(EngineError) {
    guard !options.isEmpty, let document = try? JSONValue(parsing: options) else {
      guard options.isEmpty else { throw Self.invalid("they are not JSON") }
      return
    }
    guard let members = document.members else { throw Self.invalid("they are not a JSON object") }
    for (name, value) in members {
      switch (name, value) {
      case ("header_row", .bool(let flag)): hasHeader = flag
      case ("delimiter", .string(let text)), ("sep", .string(let text)):
        guard text.utf8.count == 1, let byte = text.utf8.first, !"\"\r\n".utf8.contains(byte) else {
          throw Self.invalid("the delimiter is not a single character")
        }
        delimiter = byte
      default: throw Self.invalid("'\(name)' is not an option with such a value")
      }
    }
  }

  private static func invalid(_ evidence: String) -> EngineError {
    EngineError(
      .invalidArgument, "the options for writing cannot be used", evidence: evidence,
      hint: "Use header_row=True or False and delimiter, a single character")
  }
}

extension ExportSource {
  /// Writes the selected columns to a new file as delimited text: one line per row, texts in quotes where necessary.
  /// - Throws: `EngineError` when the columns cannot be selected or the file cannot be written; `CancellationError`.
  func write(
    _ columns: [FrameColumn], _ range: VertexRange?, _ form: TextForm, to path: String, _ bounds: ExportBounds
  ) throws {
    let selected = try select(columns.map(\.selector), bounds)
    guard selected.shape?.count ?? 1 == 1 else {
      throw EngineError(.notApplicable, "a result of \(selected.shape?.count ?? 0) dimensions is no data frame")
    }
    guard range == nil || selected.shape == nil else {
      throw EngineError(.notApplicable, "this result has no vertices that a range could choose")
    }
    let rows = try range?.rows(of: selected.ids, bounds)
    let file = try TextFile(path, form)
    try withExtendedLifetime((self, selected)) {
      if form.hasHeader { file.line(columns.map(\.name)) }
      let values = selected.columns.map(\.values)
      for place in 0..<(rows?.count ?? values.first?.count ?? 0) {
        file.line(values, row: rows.map { Int($0[place]) } ?? place)
        if place % 4096 == 0 {
          try file.flush()
          try bounds.cancellation.check()
        }
      }
      try file.flush()
    }
  }
}

/// A text file that is written line by line.
private final class TextFile {
  private let path: String
  private let form: TextForm
  private let descriptor: Int32
  private var bytes: [UInt8] = []

  init(_ path: String, _ form: TextForm) throws(GraphStoreError) {
    (self.path, self.form) = (path, form)
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system("cannot create", path) }
  }

  deinit { close(descriptor) }

  func line(_ names: [String]) {
    for (place, name) in names.enumerated() {
      if place > 0 { bytes.append(form.delimiter) }
      quote(Array(name.utf8))
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  func line(_ columns: [ArchiveColumn], row: Int) {
    for (place, column) in columns.enumerated() {
      if place > 0 { bytes.append(form.delimiter) }
      switch column {
      case .bool(let values): bytes += (values[row] ? "True" : "False").utf8
      case .int32(let values): bytes += "\(values[row])".utf8
      case .uint32(let values): bytes += "\(values[row])".utf8
      case .int64(let values): bytes += "\(values[row])".utf8
      case .uint64(let values): bytes += "\(values[row])".utf8
      case .float(let values): number(values[row])
      case .double(let values): number(values[row])
      case .strings(let texts):
        quote(texts.bytes[Int(texts.offsets[row])..<Int(texts.offsets[row + 1])])
      }
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Appends a number as pandas writes it: the shortest text that is read as the same number, nothing for NaN.
  private func number<T: BinaryFloatingPoint & LosslessStringConvertible>(_ value: T) {
    if !value.isNaN { bytes += "\(value)".utf8 }
  }

  /// Appends a text, in quotes if it contains the delimiter, quotes or the end of a line (RFC 4180).
  private func quote(_ text: some Sequence<UInt8>) {
    let needsQuotes = text.contains { $0 == form.delimiter || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
    guard needsQuotes else { return bytes.append(contentsOf: text) }
    bytes.append(0x22)
    for byte in text {
      if byte == 0x22 { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(0x22)
  }

  func flush() throws(GraphStoreError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system("cannot write to", path) }
      done += count
    }
    bytes.removeAll(keepingCapacity: true)
  }
}
