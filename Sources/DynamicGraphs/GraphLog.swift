import Glibc
import GraphStore
import Workers

/// The file from which a graph is made again after the process has ended, however it ended: the changes that made it, in order.
///
/// The file begins with a line `gscoordinator-dynamic-graph 1 directed` (or `undirected`). Every change follows as a line
/// `<change> <bytes of the batch> <checksum of the batch> <checksum of the words before>`, with checksums in hexadecimal, the
/// batch, and a line feed. A change that the end of the process cut off is dropped: no client was told that it was made. The
/// file survives the end of the process, but not a crash of the machine, which checksums detect.
public struct GraphLog: Sendable {
  /// The path of the file.
  public let path: String
  private let storage: any StorageAccount
  /// The reservation for the file.
  public private(set) var file: StorageReservation
  /// The size from which the changes are replaced by those that make the graph as it is.
  private var rewritingSize: Int

  private static let magic = "gscoordinator-dynamic-graph 1"
  private static let batchBytes = 1 << 20

  // MARK: Writing

  /// Creates the log of a graph, charged to `storage`.
  /// - Throws: `GraphStoreError`, also if there is no room for it. No file is then left behind.
  public init(creating path: String, of graph: DynamicGraph, storage: any StorageAccount) throws {
    self.path = path
    self.storage = storage
    file = try Self.write(graph, to: path, storage)
    rewritingSize = Self.rewritingSize(after: file.byteCount)
  }

  /// Appends a change that was made. On failure, nothing is appended.
  /// - Throws: `GraphStoreError`, also if there is no room for it.
  public mutating func append(_ change: GraphChange, _ batch: UnsafeRawBufferPointer) throws(GraphStoreError) {
    try Self.append(change, batch, to: path, file)
  }

  /// Whether the log is so long that it should be rewritten. The cost of doing so is small compared to that of the changes.
  public var isLong: Bool { file.byteCount > rewritingSize }

  /// Replaces the log by a new one that makes the graph as it is. On failure, the earlier log remains.
  /// - Throws: `GraphStoreError`, also if there is no room for both.
  public mutating func rewrite(_ graph: DynamicGraph) throws {
    let draft = path + ".draft"
    unlink(draft)
    let written = try Self.write(graph, to: draft, storage)
    guard rename(draft, path) == 0 else {
      let error = GraphStoreError.system("cannot replace", path)
      unlink(draft)
      throw error
    }
    file = written
    rewritingSize = Self.rewritingSize(after: file.byteCount)
  }

  private static func rewritingSize(after size: Int) -> Int { max(1 << 20, 4 * size) }

  private static func write(
    _ graph: DynamicGraph, to path: String, _ storage: any StorageAccount
  ) throws -> StorageReservation {
    do {
      let file = try StorageReservation(0, as: .mappedFile, from: storage)
      let head = Array("\(magic) \(graph.isDirected ? "directed" : "undirected")\n".utf8)
      try head.withUnsafeBytes { try append([$0], to: path, file, flags: O_CREAT | O_EXCL) }
      try graph.forEachBatch(of: batchBytes) { change, batch in
        try batch.withUnsafeBytes { try append(change, $0, to: path, file) }
      }
      return file
    } catch let error as StorageRefusal {
      throw GraphStoreError(error)
    } catch {
      unlink(path)
      throw error
    }
  }

  private static func append(
    _ change: GraphChange, _ batch: UnsafeRawBufferPointer, to path: String, _ file: StorageReservation
  ) throws(GraphStoreError) {
    let words = "\(change.rawValue) \(batch.count) \(String(Checksum.of(part: batch), radix: 16))"
    let head = Array("\(words) \(checksum(of: words))\n".utf8)
    let result = head.withUnsafeBytes { head in
      Array("\n".utf8).withUnsafeBytes { end in
        Result { () throws(GraphStoreError) in try append([head, batch, end], to: path, file) }
      }
    }
    try result.get()
  }

  private static func checksum(of words: String) -> String { String(Checksum.of(Array(words.utf8)), radix: 16) }

  /// Writes the parts at the end of the file, whose size is that of its reservation. On failure, the file is as before.
  private static func append(
    _ parts: [UnsafeRawBufferPointer], to path: String, _ file: StorageReservation, flags: Int32 = 0
  ) throws(GraphStoreError) {
    let size = file.byteCount
    let added = parts.reduce(0) { $0 + $1.count }
    do { try file.grow(by: added) } catch { throw GraphStoreError(error) }
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
    guard descriptor >= 0 else {
      file.shrink(by: added)
      throw .system("cannot open", path)
    }
    defer { close(descriptor) }
    var place = size
    for part in parts {
      var rest = part
      while !rest.isEmpty {
        let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(place))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          let error = GraphStoreError.system("cannot write", path)
          ftruncate(descriptor, off_t(size))
          file.shrink(by: added)
          throw error
        }
        place += count
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  // MARK: Reading

  /// Returns whether the graph of a log is directed; nil if the file does not begin like a log.
  public static func isDirected(at path: String) -> Bool? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0, let end = bytes[..<count].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    return isDirected(head: String(decoding: bytes[..<end], as: UTF8.self))
  }

  private static func isDirected(head: String) -> Bool? {
    guard head.hasPrefix(magic + " ") else { return nil }
    return ["directed": true, "undirected": false][head.dropFirst(magic.utf8.count + 1)]
  }

  /// Opens the log of an earlier process, or of this one, and makes its changes in `graph`, a new graph. Cuts off an incomplete
  /// change at the end.
  ///
  /// - Parameter pause: As in `DynamicGraph.apply`.
  /// - Throws: `GraphStoreError` with code `damaged`, naming the file; the errors of `pause`.
  public init(
    opening path: String, storage: any StorageAccount, _ graph: inout DynamicGraph,
    pause: (_ byteCount: Int) throws -> Void
  ) throws {
    self.path = path
    self.storage = storage
    let mapped = try MappedFile.openWhole(path: path)
    let bytes = UnsafeRawBufferPointer(mapped.bytes)
    guard let end = bytes.prefix(64).firstIndex(of: UInt8(ascii: "\n")),
      Self.isDirected(head: String(decoding: bytes[..<end], as: UTF8.self)) == graph.isDirected
    else { throw GraphStoreError.damaged(log: path, "it does not begin with '\(Self.magic)'") }
    var place = end + 1
    while let record = try Self.record(in: bytes, at: place, path) {
      try graph.apply(record.change, record.batch, pause: pause)
      place = record.end
    }
    if place < bytes.count, truncate(path, off_t(place)) != 0 { throw GraphStoreError.system("cannot shorten", path) }
    file = StorageReservation(unconditionally: place, as: .mappedFile, from: storage)
    rewritingSize = Self.rewritingSize(after: graph.byteCount / 2)
  }

  /// Returns the change at a position; nil if the file ends before the change does.
  private static func record(
    in bytes: UnsafeRawBufferPointer, at place: Int, _ path: String
  ) throws(GraphStoreError) -> (change: GraphChange, batch: UnsafeRawBufferPointer, end: Int)? {
    let rest = bytes[place...]
    guard let lineEnd = rest.prefix(128).firstIndex(of: UInt8(ascii: "\n")) else {
      guard rest.count < 128 else { throw .damaged(log: path, "no change begins at byte \(place)") }
      return nil
    }
    let words = String(decoding: rest[..<lineEnd], as: UTF8.self).split(separator: " ")
    guard words.count == 4, words[3] == checksum(of: words[..<3].joined(separator: " ")),
      let change = GraphChange(rawValue: String(words[0])), let count = Int(words[1]), count >= 0
    else { throw .damaged(log: path, "no change begins at byte \(place)") }
    let start = lineEnd + 1
    guard count < bytes.count - start else { return nil }
    let batch = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    guard words[2] == String(Checksum.of(part: batch), radix: 16), bytes[start + count] == UInt8(ascii: "\n") else {
      throw .damaged(log: path, "the checksum of the change at byte \(place) does not match")
    }
    return (change, batch, start + count + 1)
  }
}

extension GraphStoreError {
  fileprivate static func damaged(log path: String, _ evidence: String) -> GraphStoreError {
    GraphStoreError(.damaged, "the stored graph '\(path)' is damaged", evidence: evidence, hint: "Make the graph again")
  }
}
