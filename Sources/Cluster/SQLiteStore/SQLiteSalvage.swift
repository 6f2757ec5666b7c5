import Wire

/// What can be found in the pages of a damaged store, row by row. Which table a row belongs to is told by the kinds of
/// its columns, so that neither the file's header nor the tables' roots are needed.
struct SQLiteSalvage {
  /// A version of a key, without its value, and where it was found.
  struct Version {
    var place: Int64
    var page: Int
    var created: Revision
  }

  /// The newest version of each key that was found.
  private(set) var newest: [[UInt8]: Version] = [:]
  /// The place of each key's newest version according to the table of entries.
  private(set) var entries: [[UInt8]: Int64] = [:]
  /// The leases, with their milliseconds.
  private(set) var leases: [Int64: Int64] = [:]
  /// The format of the tables, when that was found.
  private(set) var format: Int64?
  /// The newest revision that was found anywhere.
  private(set) var head: Revision = 0
  /// Rows in pages that could be read, which could not.
  private(set) var unreadableRows = 0

  private let rows: SQLiteRows
  private let limits = StateLimits()

  /// Looks through all pages.
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

  /// Whether anything of a store was found.
  var isEmpty: Bool { newest.isEmpty && entries.isEmpty && head == 0 && format == nil }

  /// A version's value, lease and the lease's milliseconds.
  func content(of version: Version) -> (value: [UInt8], lease: Int64?, milliseconds: Int64?)? {
    for case let row? in rows.rows(ofPage: version.page) ?? [] where row.number == version.place {
      if row.cells.count == 6, let value = row.cells[5].bytes {
        return (value, row.cells[3].number, row.cells[4].number)
      }
    }
    return nil
  }

  private mutating func note(_ row: SQLiteRow, page: Int) {
    let cells = row.cells
    switch (row.number, cells.count) {
    case (let place?, 6): noteVersion(place, cells, page: page)
    case (let revision?, 5) where cells[0].isNull && cells[1].number != nil: noteRevision(revision)
    case (let id?, 2) where cells[0].isNull: if let milliseconds = cells[1].number { leases[id] = milliseconds }
    case (nil, 3): if let key = key(cells[0]), let place = cells[1].number { noteEntry(key, place) }
    case (nil, 2): if cells[0].text == Meta.format.rawValue { format = cells[1].text.flatMap(Int64.init) ?? format }
    default: break
    }
  }

  private mutating func noteVersion(_ place: Int64, _ cells: [SQLiteCell], page: Int) {
    guard cells[0].isNull, let key = key(cells[1]), let created = cells[2].number, cells[5].bytes != nil,
      noteRevision(place >> SQLiteSchema.placeBits), created >= 0, created <= place >> SQLiteSchema.placeBits
    else { return }
    if let known = newest[key], known.place >= place { return }
    newest[key] = Version(place: place, page: page, created: created)
  }

  private mutating func noteEntry(_ key: [UInt8], _ place: Int64) {
    if noteRevision(place >> SQLiteSchema.placeBits) { entries[key] = max(place, entries[key] ?? 0) }
  }

  /// - Returns: false when there can be no such revision.
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
