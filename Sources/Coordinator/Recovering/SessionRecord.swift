import FoundationEssentials
import Glibc
import Synchronization

/// The record of a session in its own directory: two small files next to its objects, from which its entries in the state store
/// can be restored. The store takes precedence; the record is read if an entry is missing or damaged.
///
/// `session.json` is the session's document, replaced atomically. `objects.log` has a line for every object that a step made or
/// removed, written before the state store is updated, and a line for every step that has ended according to the store.
final class SessionRecord: Sendable {
  /// A line of `objects.log`.
  struct Line: Codable, Sendable {
    /// The number of the step; 0 for objects that existed when the log was started.
    var step: Int
    /// The number of an object, which `object` describes; nil if the line records the end of the step.
    var number: Int?
    var object: ObjectDocument?
  }

  /// The contents of a record.
  struct Contents: Sendable {
    /// The session; nil if its file is missing or damaged.
    var document: SessionDocument?
    var lines: [Line] = []
    /// The number of lines that are damaged or were cut off by the end of the process.
    var damagedLines = 0
  }

  static let (documentName, objectsName) = ("session.json", "objects.log")
  private static let maximumBytes = 1 << 30
  private let directory: String
  private let log = Mutex(Log())

  private struct Log {
    var bytes = 0
    /// The size in bytes at which the log is to be rewritten.
    var limit = 1 << 20
  }

  /// Creates a reference to the record in `directory`, without reading or writing it.
  init(directory: String) { self.directory = directory }

  // MARK: Writing

  /// Replaces the document.
  func write(_ document: SessionDocument) throws(CoordinatorError) {
    try replace(Self.documentName, Self.encoded(document))
  }

  /// Records what a step made and removed or, without objects, that the store has recorded its end.
  /// - Returns: Whether the log is long enough to be rewritten.
  func append(step: Int, _ objects: [Int: ObjectDocument]) throws(CoordinatorError) -> Bool {
    var lines = objects.sorted { $0.key < $1.key }.map { Line(step: step, number: $0.key, object: $0.value) }
    if lines.isEmpty { lines = [Line(step: step)] }
    let text = lines.map { Self.text($0) }.joined()
    let path = directory + "/" + Self.objectsName
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    defer { close(descriptor) }
    try Self.write(text, to: descriptor, path)
    return log.withLock { log in
      log.bytes += text.utf8.count
      return log.bytes > log.limit
    }
  }

  /// Rewrites the log with these objects.
  func rewrite(_ objects: [Int: ObjectDocument]) throws(CoordinatorError) {
    let lines = objects.sorted { $0.key < $1.key }.map { Line(step: 0, number: $0.key, object: $0.value) }
    let text = lines.map { Self.text($0) }.joined()
    try replace(Self.objectsName, text)
    log.withLock { $0 = Log(bytes: text.utf8.count, limit: max(1 << 20, 4 * text.utf8.count)) }
  }

  /// Replaces a file atomically.
  private func replace(_ name: String, _ text: String) throws(CoordinatorError) {
    let path = directory + "/" + name
    let draft = path + ".draft"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system("cannot create", draft) }
    do throws(CoordinatorError) {
      defer { close(descriptor) }
      try Self.write(text, to: descriptor, draft)
    } catch {
      unlink(draft)
      throw error
    }
    guard rename(draft, path) == 0 else { throw .system("cannot replace", path) }
  }

  private static func write(_ text: String, to descriptor: Int32, _ path: String) throws(CoordinatorError) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("cannot write", path)
      }
      done += count
    }
  }

  private static func encoded(_ value: some Encodable) -> String {
    // Every document consists of strings, numbers and lists of them.
    String(decoding: (try? JSONEncoder().encode(value)) ?? Data(), as: UTF8.self)
  }

  private static func text(_ line: Line) -> String {
    let json = encoded(line)
    return "\(checksum(json.utf8)) \(json)\n"
  }

  /// Returns an FNV-1a checksum, which detects flipped bits and truncated lines.
  private static func checksum(_ bytes: some Sequence<UInt8>) -> String {
    String(bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 36)
  }

  // MARK: Reading

  /// Reads the record; returns nil if there is none.
  /// - Throws: `CoordinatorError` if the files exist and cannot be read.
  func read() throws(CoordinatorError) -> Contents? {
    let document = try Self.bytes(directory + "/" + Self.documentName)
    let objects = try Self.bytes(directory + "/" + Self.objectsName)
    guard document != nil || objects != nil else { return nil }
    var contents = Contents()
    contents.document = document.flatMap { try? JSONDecoder().decode(SessionDocument.self, from: Data($0)) }
    for text in (objects ?? []).split(separator: UInt8(ascii: "\n")) {
      guard let line = Self.line(text) else {
        contents.damagedLines += 1
        continue
      }
      contents.lines.append(line)
    }
    return contents
  }

  private static func line(_ text: ArraySlice<UInt8>) -> Line? {
    guard let blank = text.firstIndex(of: UInt8(ascii: " ")) else { return nil }
    let json = text[text.index(after: blank)...]
    guard String(decoding: text[..<blank], as: UTF8.self) == checksum(json) else { return nil }
    return try? JSONDecoder().decode(Line.self, from: Data(json))
  }

  private static func bytes(_ path: String) throws(CoordinatorError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .system("cannot open", path)
    }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw .system("cannot examine", path) }
    guard info.st_mode & S_IFMT == S_IFREG, info.st_size <= maximumBytes else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + done, $0.count - done, off_t(done))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system("cannot read", path) }
      guard count > 0 else { break }
      done += count
    }
    return Array(bytes.prefix(done))
  }
}

extension SessionRecord.Contents {
  /// The objects by number, according to the last line about each. Objects of a step whose end is not recorded are omitted.
  var objects: [Int: ObjectDocument] {
    let ended = endedSteps
    return lines.reduce(into: [:]) { objects, line in
      guard let number = line.number, let object = line.object, ended.contains(line.step) else { return }
      objects[number] = object
    }
  }

  /// The steps whose end was recorded by the state store.
  var endedSteps: Set<Int> { Set(lines.filter { $0.number == nil }.map(\.step)).union([0]) }

  /// The newest step in the record.
  var lastStep: Int { lines.map(\.step).max() ?? 0 }

  /// Returns the last line about the object with that engine key.
  func line(about key: String) -> SessionRecord.Line? { lines.last { $0.object?.object == key } }
}
