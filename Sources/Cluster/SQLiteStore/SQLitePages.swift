import Foundation

/// The pages of a database file and its journal, read without SQLite, for saving what a damaged file still has.
///
/// Format: https://www.sqlite.org/fileformat.html, with pages of 4096 bytes, which all our databases have.
final class SQLitePages {
  /// Bytes of a page.
  static let size = 4_096

  private let database: FileHandle
  private let journal: FileHandle?
  /// Where the newest version of a page is in the journal.
  private var inJournal: [Int: UInt64] = [:]
  /// Pages, counted from 1.
  let count: Int

  init(path: String) throws {
    database = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    journal = FileHandle(forReadingAtPath: path + "-wal")
    let pages = (fileSize(path) ?? 0) / Int64(Self.size)
    inJournal = journal.map(Self.committedFrames) ?? [:]
    count = max(Int(pages), inJournal.keys.max() ?? 0)
  }

  /// A page's bytes; nil when it is not there.
  func page(_ number: Int) -> [UInt8]? {
    guard number >= 1, number <= count else { return nil }
    if let offset = inJournal[number], let journal { return Self.read(journal, offset, Self.size) }
    return Self.read(database, UInt64(number - 1) * UInt64(Self.size), Self.size)
  }

  private static func read(_ file: FileHandle, _ offset: UInt64, _ count: Int) -> [UInt8]? {
    guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.read(upToCount: count), data.count == count
    else { return nil }
    return [UInt8](data)
  }

  /// Where the pages of committed transactions are in a journal; what follows the first torn frame does not count.
  private static func committedFrames(_ journal: FileHandle) -> [Int: UInt64] {
    guard let header = read(journal, 0, 32) else { return [:] }
    let magic = word(header, 0)
    guard magic & 0xffff_fffe == 0x377f_0682, word(header, 8) == UInt32(size) else { return [:] }
    var sum = JournalSum(isBigEndian: magic & 1 == 1)
    sum.add(header[..<24])
    guard sum.matches(header, 24) else { return [:] }
    var committed: [Int: UInt64] = [:]
    var pending: [Int: UInt64] = [:]
    var offset: UInt64 = 32
    while let frame = read(journal, offset, 24 + size) {
      sum.add(frame[..<8])
      sum.add(frame[24...])
      guard frame[8..<16] == header[16..<24], sum.matches(frame, 16) else { break }
      pending[Int(word(frame, 0))] = offset + 24
      if word(frame, 4) != 0 {
        committed.merge(pending) { $1 }
        pending = [:]
      }
      offset += UInt64(24 + size)
    }
    return committed
  }

  static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// The running checksum of a journal.
private struct JournalSum {
  let isBigEndian: Bool
  private var first: UInt32 = 0
  private var second: UInt32 = 0

  init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    var index = bytes.startIndex
    while index + 8 <= bytes.endIndex {
      first = first &+ number(bytes, index) &+ second
      second = second &+ number(bytes, index + 4) &+ first
      index += 8
    }
  }

  func matches(_ bytes: [UInt8], _ offset: Int) -> Bool {
    SQLitePages.word(bytes, offset) == first && SQLitePages.word(bytes, offset + 4) == second
  }

  private func number(_ bytes: ArraySlice<UInt8>, _ index: Int) -> UInt32 {
    let number = bytes[index..<index + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return isBigEndian ? number : number.byteSwapped
  }
}
