/// Salvages rows from the pages of a damaged store. The table of a row is recognized by the types of its columns, so neither the
/// file header nor the roots of the tables are needed.
struct SQLiteSalvage {
  /// A version of a key, without its value, and where it was found.
  struct Version {
    var place: Int64
    var page: Int
    var created: Revision
  }

  /// The number of columns of a version; the checksum was added in format 2.
  private static let versionColumns = 6...7

  /// The newest version found of each key.
  private(set) var newest: [[UInt8]: Version] = [:]
  /// The place of each key's newest version according to the table of entries.
  private(set) var entries: [[UInt8]: Int64] = [:]
  /// The leases, with their times to live in milliseconds.
  private(set) var leases: [Int64: Int64] = [:]
  /// The format of the tables, if found.
  private(set) var format: Int64?
  /// The newest revision found anywhere.
  private(set) var head: Revision = 0
  /// The number of unreadable rows in readable pages.
  private(set) var unreadableRows = 0

  private let rows: SQLiteRows
  private let limits = StateLimits()

  /// Scans all pages.
  init(_ pages: SQLitePages) {
    rows = SQLiteRows(pages: pages)
    for page in stride(from: 1, through: pages.count, by: 1) {
      for row in rows.rows(ofPage: page) ?? [] {
        guard let row else {
          unreadableRows += 1
          continue
        }
        note(row, page: page)
      }
    }
  }

  /// Whether no trace of a store was found.
  var isEmpty: Bool { newest.isEmpty && entries.isEmpty && head == 0 && format == nil }

  /// Reads a version; returns nil if it is unreadable.
  func content(of version: Version) -> SQLiteVersion? {
    for case let row? in rows.rows(ofPage: version.page) ?? [] where row.number == version.place {
      if let found = Self.version(row) { return found }
    }
    return nil
  }

  /// Reads a row of the table of versions, whose checksum must match if present.
  private static func version(_ row: SQLiteRow) -> SQLiteVersion? {
    let cells = row.cells
    guard versionColumns.contains(cells.count), cells[0].isNull, let place = row.number, let key = cells[1].text,
      let created = cells[2].number, let value = cells[5].bytes
    else { return nil }
    var version = SQLiteVersion(place: place, key: key, created: created, lease: nil, value: value)
    (version.lease, version.leaseMilliseconds) = (cells[3].number, cells[4].number)
    guard cells.count < 7 || cells[6].number == version.checksum else { return nil }
    return version
  }

  private mutating func note(_ row: SQLiteRow, page: Int) {
    let cells = row.cells
    switch (row.number, cells.count) {
    case (.some, Self.versionColumns): noteVersion(row, page: page)
    case (let revision?, 5) where cells[0].isNull && cells[1].number != nil: noteRevision(revision)
    case (let id?, 2) where cells[0].isNull: if let milliseconds = cells[1].number { leases[id] = milliseconds }
    case (nil, 3): if let key = key(cells[0]), let place = cells[1].number { noteEntry(key, place) }
    case (nil, 2): if cells[0].text == Meta.format.rawValue { format = cells[1].text.flatMap(Int64.init) ?? format }
    default: break
    }
  }

  private mutating func noteVersion(_ row: SQLiteRow, page: Int) {
    guard let version = Self.version(row) else { return unreadableRows += 1 }
    let revision = version.place >> SQLiteSchema.placeBits
    guard (try? limits.check(key: version.key)) != nil, noteRevision(revision), version.created >= 0,
      version.created <= revision
    else { return }
    let key = Array(version.key.utf8)
    if let known = newest[key], known.place >= version.place { return }
    newest[key] = Version(place: version.place, page: page, created: version.created)
  }

  private mutating func noteEntry(_ key: [UInt8], _ place: Int64) {
    if noteRevision(place >> SQLiteSchema.placeBits) { entries[key] = max(place, entries[key] ?? 0) }
  }

  /// - Returns: False if there can be no such revision.
  @discardableResult
  private mutating func noteRevision(_ revision: Revision) -> Bool {
    guard revision >= 1, revision < 1 << 46 else { return false }
    head = max(head, revision)
    return true
  }

  private func key(_ cell: SQLiteCell) -> [UInt8]? {
    guard let text = cell.text, (try? limits.check(key: text)) != nil else { return nil }
    return Array(text.utf8)
  }
}
