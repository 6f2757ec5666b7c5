import Foundation

/// Reads the pages of a database file and its journal without SQLite, to salvage the contents of a damaged file.
///
/// Format: https://www.sqlite.org/fileformat.html, with pages of 4096 bytes, which all databases of the store have.
final class SQLitePages {
  /// The size of a page in bytes.
  static let size = 4_096

  /// Nil if there is only a journal.
  private let database: FileHandle?
  private let journal: FileHandle?
  /// The offset in the journal of the newest version of each page.
  private var inJournal: [Int: UInt64] = [:]
  /// The number of pages, which are counted from 1.
  let count: Int
  /// The number, from 1, of the first journal frame with a wrong checksum that is followed by transactions of the same round; 0
  /// if the header is wrong.
  let damagedFrame: Int?

  init(path: String) throws {
    database = try existingSize(path).map { _ in try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) }
    journal = FileHandle(forReadingAtPath: path + "-wal")
    let pages = (fileSize(path) ?? 0) / Int64(Self.size)
    (inJournal, damagedFrame) = journal.map(Self.committedFrames) ?? ([:], nil)
    count = max(Int(pages), inJournal.keys.max() ?? 0)
  }

  /// Returns the contents of a page; nil if it is missing.
  func page(_ number: Int) -> [UInt8]? {
    guard number >= 1, number <= count else { return nil }
    if let offset = inJournal[number], let journal { return Self.read(journal, offset, Self.size) }
    return database.flatMap { Self.read($0, UInt64(number - 1) * UInt64(Self.size), Self.size) }
  }

  private static func read(_ file: FileHandle, _ offset: UInt64, _ count: Int) -> [UInt8]? {
    guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.read(upToCount: count), data.count == count
    else { return nil }
    return [UInt8](data)
  }

  /// Returns the offsets of the pages of committed transactions in a journal, ignoring everything after the first torn frame.
  /// Also returns the number of that frame, if a commit of the same round follows it; 0 is the header.
  private static func committedFrames(_ journal: FileHandle) -> ([Int: UInt64], damaged: Int?) {
    guard let header = read(journal, 0, 32), header.contains(where: { $0 != 0 }) else { return ([:], nil) }
    let magic = word(header, 0)
    guard magic & 0xffff_fffe == 0x377f_0682, word(header, 8) == UInt32(size) else { return ([:], 0) }
    var sum = JournalSum(isBigEndian: magic & 1 == 1)
    sum.add(header[..<24])
    guard sum.matches(header, 24) else { return ([:], 0) }
    var committed: [Int: UInt64] = [:]
    var pending: [Int: UInt64] = [:]
    var offset: UInt64 = 32
    while let frame = read(journal, offset, 24 + size) {
      sum.add(frame[..<8])
      sum.add(frame[24...])
      guard frame[8..<16] == header[16..<24], sum.matches(frame, 16) else {
        let isDamaged = hasCommit(journal, after: offset, ofRound: header[16..<24])
        return (committed, isDamaged ? Int(offset / UInt64(24 + size)) + 1 : nil)
      }
      pending[Int(word(frame, 0))] = offset + 24
      if word(frame, 4) != 0 {
        committed.merge(pending) { $1 }
        pending = [:]
      }
      offset += UInt64(24 + size)
    }
    return (committed, nil)
  }

  /// Returns whether a later frame ends a transaction of the same round. Frames left by a rolled-back transaction do not.
  private static func hasCommit(_ journal: FileHandle, after offset: UInt64, ofRound salts: ArraySlice<UInt8>) -> Bool {
    var next = offset + UInt64(24 + size)
    while let head = read(journal, next, 24) {
      if head[8..<16] == salts, word(head, 4) != 0 { return true }
      next += UInt64(24 + size)
    }
    return false
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
    bytes.withUnsafeBytes { bytes in
      var index = 0
      while index + 8 <= bytes.count {
        first = first &+ number(bytes, index) &+ second
        second = second &+ number(bytes, index + 4) &+ first
        index += 8
      }
    }
  }

  func matches(_ bytes: [UInt8], _ offset: Int) -> Bool {
    SQLitePages.word(bytes, offset) == first && SQLitePages.word(bytes, offset + 4) == second
  }

  private func number(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
    let number = bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
    return isBigEndian ? UInt32(bigEndian: number) : UInt32(littleEndian: number)
  }
}
