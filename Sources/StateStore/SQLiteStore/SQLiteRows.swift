/// A value in a row.
enum SQLiteCell: Equatable {
  case null
  case integer(Int64)
  case text(String)
  case blob([UInt8])
  /// A floating-point number, which the tables do not contain.
  case other

  var number: Int64? { if case .integer(let number) = self { number } else { nil } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  /// The bytes of a blob; empty for null.
  var bytes: [UInt8]? {
    switch self {
    case .blob(let bytes): bytes
    case .null: []
    default: nil
    }
  }
  var isNull: Bool { self == .null }
}

/// A row as found in a page.
struct SQLiteRow {
  /// The row id; nil in an index and in a table without row ids.
  var number: Int64?
  /// The columns.
  var cells: [SQLiteCell]
}

/// Reads the rows of individual pages, independently of the rest of the file. No data of a page is trusted.
struct SQLiteRows {
  let pages: SQLitePages

  /// Returns the rows of a page, with nil for each unreadable row; nil if the page holds no rows.
  func rows(ofPage number: Int) -> [SQLiteRow?]? {
    guard let page = pages.page(number) else { return nil }
    let start = number == 1 ? 100 : 0
    let kind = page[start]
    guard kind == 0x0d || kind == 0x0a || kind == 0x02 else { return nil }
    let pointers = start + (kind == 0x02 ? 12 : 8)
    let count = Int(page[start + 3]) << 8 | Int(page[start + 4])
    guard count > 0, pointers + 2 * count <= page.count else { return nil }
    return (0..<count).map { index in
      let pointer = pointers + 2 * index
      return row(page, at: Int(page[pointer]) << 8 | Int(page[pointer + 1]), kind: kind)
    }
  }

  private func row(_ page: [UInt8], at offset: Int, kind: UInt8) -> SQLiteRow? {
    var reader = ByteReader(bytes: page[...], position: offset + (kind == 0x02 ? 4 : 0))
    guard let length = reader.varint(), length >= 2, length <= 4 << 20 else { return nil }
    var number: Int64?
    if kind == 0x0d {
      number = reader.varint()
      if number == nil { return nil }
    }
    guard let payload = payload(&reader, length: Int(length), isTable: kind == 0x0d), let cells = Self.cells(payload)
    else { return nil }
    return SQLiteRow(number: number, cells: cells)
  }

  /// Returns the bytes of a row; bytes that do not fit its page are in a chain of overflow pages.
  private func payload(_ reader: inout ByteReader, length: Int, isTable: Bool) -> [UInt8]? {
    let usable = SQLitePages.size
    let most = isTable ? usable - 35 : (usable - 12) * 64 / 255 - 23
    guard length > most else { return reader.take(length) }
    let least = (usable - 12) * 32 / 255 - 23
    let wanted = least + (length - least) % (usable - 4)
    guard var bytes = reader.take(wanted <= most ? wanted : least), let link = reader.take(4) else { return nil }
    var next = Int(SQLitePages.word(link, 0))
    while bytes.count < length {
      guard let page = pages.page(next) else { return nil }
      let part = min(length - bytes.count, usable - 4)
      bytes += page[4..<4 + part]
      next = Int(SQLitePages.word(page, 0))
    }
    // The chain ends with its last page: another number means that one of its pages was overwritten.
    return next == 0 ? bytes : nil
  }

  private static func cells(_ payload: [UInt8]) -> [SQLiteCell]? {
    var header = ByteReader(bytes: payload[...], position: 0)
    guard let headerLength = header.varint(), headerLength >= 1, headerLength <= payload.count else { return nil }
    var body = ByteReader(bytes: payload[...], position: Int(headerLength))
    var cells: [SQLiteCell] = []
    while header.position < Int(headerLength) {
      guard let kind = header.varint(), let cell = cell(kind, &body) else { return nil }
      cells.append(cell)
    }
    return body.position == payload.count ? cells : nil
  }

  private static func cell(_ kind: Int64, _ body: inout ByteReader) -> SQLiteCell? {
    switch kind {
    case 0: return .null
    case 1...6:
      let size = [1, 2, 3, 4, 6, 8][Int(kind) - 1]
      guard let bytes = body.take(size) else { return nil }
      return .integer(bytes.dropFirst().reduce(Int64(Int8(bitPattern: bytes[0]))) { $0 << 8 | Int64($1) })
    case 7: return body.take(8).map { _ in .other }
    case 8: return .integer(0)
    case 9: return .integer(1)
    case 12...:
      guard kind < 16 << 20, let bytes = body.take(Int(kind - 12) / 2) else { return nil }
      if kind % 2 == 0 { return .blob(bytes) }
      return String(validating: bytes, as: UTF8.self).map { .text($0) }
    default: return nil
    }
  }
}

/// Reads numbers and bytes from data that may end anywhere.
private struct ByteReader {
  let bytes: ArraySlice<UInt8>
  var position: Int

  mutating func take(_ count: Int) -> [UInt8]? {
    guard count >= 0, position >= 0, count <= bytes.count - position else { return nil }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// Reads a number of one to nine bytes; the high bit of each byte indicates that another follows.
  mutating func varint() -> Int64? {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard position >= 0, position < bytes.count else { return nil }
      let byte = bytes[position]
      position += 1
      if index == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
      value = value << 7 | UInt64(byte & 0x7f)
      if byte < 0x80 { return Int64(bitPattern: value) }
    }
    return nil
  }
}
