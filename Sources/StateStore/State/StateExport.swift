import CPlatform
import Foundation
import Glibc
import Support

/// A copy of a state in a file, for archiving or for import into a store of any kind.
///
/// The file consists of lines of JSON: a header (`format`, `version`, `revision`, `timeMilliseconds`), the entries in the order
/// of their keys (`key`, and `text` or, if the value is not UTF-8, `bytes` in base64), and a last line (`entries`, `checksum`:
/// 64-bit FNV-1a of all preceding bytes, in hex). It holds the state at one revision, without history; revisions start anew in
/// the store that it is imported into.
public struct StateExport: Sendable, Equatable {
  /// The revision of the state.
  public var revision: Revision
  /// When the file was written, in milliseconds since 1970.
  public var timeMilliseconds: Int64
  /// The number of entries.
  public var entries: Int
  /// A checksum that identifies the content of the file.
  public var checksum: String

  /// The version of the file format.
  static let version = 1
  /// The maximum size of a file in bytes.
  static let maximumByteCount = 1 << 30

  private static let format = "gscoordinator-state"

  private struct Header: Codable {
    var format = StateExport.format
    var version: Int
    var revision: Revision
    var timeMilliseconds: Int64
  }

  fileprivate struct Line: Codable {
    var key: String
    var text: String?
    var bytes: Data?
  }

  private struct Trailer: Codable {
    var entries: Int
    var checksum: String
  }

  // MARK: Writing

  /// Writes the current state to a new file that only its owner can read. The file appears once it is complete.
  /// - Parameter isTransient: Returns whether to omit a key because it depends on a lease; by default, this is the leader's key.
  /// - Throws: `StateStoreError`: `invalidArgument` if the file exists or cannot be written, `full` if the disk is full, or an
  ///   error of the store.
  public static func write(
    _ store: any StateStore, to path: String, leavingOut isTransient: (String) -> Bool = { $0 == "leader" }
  ) async throws -> StateExport {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw StateStoreError(.invalidArgument, "\(path) already exists. Specify a new file for the copy of the state.")
    }
    let snapshot = try await store.entries(prefix: "", at: nil)
    let entries = snapshot.entries.filter { !isTransient($0.key) }
    let header = Header(version: version, revision: snapshot.revision, timeMilliseconds: nowMilliseconds())
    var content = try line(header)
    for entry in entries { content += try line(Line(entry)) }
    let checksum = fingerprint(content[...])
    content += try line(Trailer(entries: entries.count, checksum: checksum))
    guard content.count <= maximumByteCount else {
      throw StateStoreError(
        .full, "The copy of the state would have \(content.count) bytes; the limit is \(maximumByteCount).")
    }
    try save(content, path)
    return StateExport(
      revision: header.revision, timeMilliseconds: header.timeMilliseconds, entries: entries.count, checksum: checksum)
  }

  private static func line(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    return Array(try encoder.encode(value)) + [0x0a]
  }

  private static func save(_ content: [UInt8], _ path: String) throws {
    let partial = "\(path).\(randomStateID()).partial"
    let file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure("cannot be created", path) }
    defer {
      close(file)
      unlink(partial)
    }
    var written = 0
    while written < content.count {
      let count = content.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, $0.count - written) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("cannot be written", path) }
      written += count
    }
    // Linking, unlike renaming, keeps a file that appeared in the meantime.
    guard fsync(file) == 0, link(partial, path) == 0 else { throw failure("cannot be saved", path) }
  }

  private static func failure(_ what: String, _ path: String) -> StateStoreError {
    let code: StateStoreError.Code = errno == ENOSPC || errno == EDQUOT ? .full : .invalidArgument
    return StateStoreError(code, "\(path) \(what): \(String(cString: platform_error_text(errno))).")
  }

  // MARK: Reading

  /// Verifies a file and returns its description.
  /// - Throws: `StateStoreError`: `damaged`, `tooNew`, or `invalidArgument` if there is no such file.
  public static func inspect(_ path: String) throws -> StateExport { try read(path).0 }

  /// Imports a file's entries into an empty store.
  ///
  /// Verifies the entire file first. A large file takes several transactions; if the import fails in between, the store holds a
  /// part of it and must be emptied before another attempt.
  /// - Parameter author: The author recorded in the history.
  /// - Throws: `StateStoreError`: as `inspect`; `conflict` if the store is not empty; or an error of the store.
  public static func restore(
    _ path: String, into store: any StateStore, author: String,
    leavingOut isTransient: (String) -> Bool = { $0 == "leader" }
  ) async throws -> StateExport {
    let (export, changes) = try read(path)
    let present = try await store.entries(prefix: "", at: nil).entries.count { !isTransient($0.key) }
    guard present == 0 else {
      throw StateStoreError(
        .conflict, "The store already has \(present) entries; a copy can be restored only into an empty store.")
    }
    for (number, batch) in changes.batches().enumerated() {
      _ = try await store.commit(
        StateTransaction(
          id: "restore-\(export.checksum)-\(export.timeMilliseconds)-\(number)", author: author,
          summary: "restore the state of revision \(export.revision)", conditions: batch.map { .absent($0.key) },
          changes: Array(batch)))
    }
    return export
  }

  private static func read(_ path: String) throws -> (StateExport, [StateChange]) {
    let content: [UInt8]
    do { content = try SmallFile.read(path, maximumBytes: maximumByteCount) } catch {
      let limit = error.code == EFBIG ? " The limit for a copy of a state is \(maximumByteCount) bytes." : ""
      throw StateStoreError(.invalidArgument, "\(path) cannot be read: \(error.reason).\(limit)")
    }
    let lines = content.split(separator: 0x0a)
    guard content.last == 0x0a, lines.count >= 2,
      let header = try? JSONDecoder().decode(Header.self, from: Data(lines[0])), header.format == format
    else { throw damaged(path, "it is not a copy of a state, or its end is missing") }
    guard header.version <= version else {
      throw StateStoreError(
        .tooNew,
        "\(path) has format version \(header.version), but this program reads versions up to \(version). Use a newer program."
      )
    }
    let last = lines[lines.count - 1]
    guard let trailer = try? JSONDecoder().decode(Trailer.self, from: Data(last)),
      trailer.checksum == fingerprint(content[..<last.startIndex]), trailer.entries == lines.count - 2
    else { throw damaged(path, "the checksum in its last line does not match its content") }
    let changes = try lines[1..<(lines.count - 1)].enumerated().map { number, line in
      guard let entry = try? JSONDecoder().decode(Line.self, from: Data(line)), let value = entry.value else {
        throw damaged(path, "line \(number + 2) is not an entry")
      }
      return StateChange.put(entry.key, value)
    }
    let export = StateExport(
      revision: header.revision, timeMilliseconds: header.timeMilliseconds, entries: changes.count,
      checksum: trailer.checksum)
    return (export, changes)
  }

  private static func damaged(_ path: String, _ why: String) -> StateStoreError {
    StateStoreError(.damaged, "\(path) is damaged: \(why). Use another copy.")
  }

  /// Returns the 64-bit FNV-1a hash (Fowler, Noll, Vo; draft-eastlake-fnv) in hex.
  private static func fingerprint(_ bytes: ArraySlice<UInt8>) -> String {
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension StateExport.Line {
  fileprivate init(_ entry: StateEntry) {
    let text = String(validating: entry.value, as: UTF8.self)
    self.init(key: entry.key, text: text, bytes: text == nil ? Data(entry.value) : nil)
  }

  fileprivate var value: [UInt8]? { text.map { Array($0.utf8) } ?? bytes.map { Array($0) } }
}
