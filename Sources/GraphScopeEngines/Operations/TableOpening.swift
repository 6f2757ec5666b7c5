import Engines
import Glibc
import GraphStore
import NIOPosix
import Wire

/// Opens the files that tables name, and makes the engine open the same files under the names of descriptors of this process.
/// These refer to the same files even if the path that the client wrote is changed.
struct TableOpening: Sendable {
  let places: any Places
  /// Whether all readers are on this machine. Readers on other hosts open the path itself, each its own file.
  let isHere: Bool

  /// Tables in the form that the engine reads, and their open files.
  struct Held: Sendable {
    fileprivate(set) var tables: [TableSource]
    fileprivate var files: [(table: Int, path: String, file: OpenedFile)] = []
    /// The names that the engine received, with those that the client wrote.
    fileprivate(set) var names: [(given: String, written: String)] = []
    fileprivate var loan: Loan?

    /// Ends the loan of the files. Call it when the tables were read, or will not be read.
    func end() { withExtendedLifetime(files) { loan?.end() } }

    /// Returns an error with the paths that the client wrote.
    func restored(_ error: any Error) -> any Error {
      guard let error = error as? EngineError, !names.isEmpty else { return error }
      func restored(_ text: String) -> String {
        names.reduce(text) { $0.replacing($1.given, with: $1.written) }
      }
      return EngineError(
        error.code, restored(error.message), evidence: restored(error.evidence), hint: restored(error.hint))
    }
  }

  /// Kinds of tables without files, and those that a helper reads from elsewhere.
  private static let others: Set<String> = ["pandas", "numpy", "vineyard", "hdfs", "hive", "s3", "oss"]

  /// Opens the tables' files and lends them to the engine.
  /// - Throws: `EngineError` when a file may not or cannot be read; `CancellationError`.
  func opened(_ tables: [TableSource], _ lender: FileLender) async throws -> Held {
    var held = try await NIOThreadPool.singleton.runIfActive { try describingFailures { try opened(tables) } }
    let loan = try await lender.lend(held.files.map(\.file))
    held.loan = loan
    for ((table, path, file), lent) in zip(held.files, loan.names) {
      let name = isHere ? lent : self.path(of: file)
      held.names.append((name, path))
      let source = held.tables[table].original?.attributes[.source]?.text ?? ""
      held.tables[table].original?.attributes[.source] = .text(name + source.dropFirst(path.count))
    }
    return held
  }

  private func opened(_ tables: [TableSource]) throws -> Held {
    var held = Held(tables: tables)
    for index in tables.indices {
      guard let original = tables[index].original, try ForeignTable(original) == nil,
        let place = original.attributes[.protocol]?.text
      else { continue }
      guard place == "file" else {
        guard Self.others.contains(place) else {
          throw EngineError(.unimplemented, "tables from '\(String(place.prefix(64)))' cannot be loaded")
        }
        continue
      }
      let source = original.attributes[.source]?.text ?? ""
      guard let path = Self.path(of: source) else {
        throw EngineError(
          .invalidArgument, "the options for reading the file are malformed", evidence: String(source.prefix(1024)))
      }
      held.files.append((index, path, try places.open(path)))
    }
    return held
  }

  /// Returns the part of an announcement before the options. Whatever the engine takes for the path then begins with ours, and
  /// contains nothing of the client's text.
  private static func path(of source: String) -> String? {
    source.ranges(of: "#delimiter=").last.map { String(source[..<$0.lowerBound]) }
  }

  /// Returns the path of an open file without symbolic links.
  private func path(of file: OpenedFile) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/fd/\(file.descriptor)", &buffer, buffer.count - 1)
    return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : file.path
  }
}

extension [TableSource] {
  /// The data that came with the tables, in their order.
  var spooled: [SpooledData] {
    compactMap { table in
      if case .arrowStream(let path, let count) = table.location { .init(path: path, byteCount: count) } else { nil }
    }
  }
}
