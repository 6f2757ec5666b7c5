import Glibc
import Synchronization

/// The files of one instance of the log store: their names and sizes, and the order of their removal.
///
/// Shared by the writer, the compressor and the readers of one process. A file is complete when a later file of its stream is
/// listed or when it is compressed; only the last file grows.
final class LogDirectory: Sendable {
  /// A file of a stream.
  struct Segment: Sendable, Equatable {
    var number: Int64
    var bytes: Int
    var isCompressed: Bool

    /// The disk usage in bytes. It is never zero, so that it limits the number of files, too.
    var diskBytes: Int { (bytes + 4095) / 4096 * 4096 + 4096 }
  }

  /// The files of a stem, oldest first.
  struct Files: Sendable {
    var segments: [Segment] = []
    /// Milliseconds since 1970.
    var lastWrite: Int64 = 0

    var diskBytes: Int { segments.reduce(0) { $0 + $1.diskBytes } }
  }

  /// The path of the directory.
  let path: String
  private let state: Mutex<LogDirectoryState>

  /// Reads the directory `path`, and removes partially compressed files that a killed process left.
  /// - Throws: `LogStoreError.inputOutput` when the directory cannot be read.
  init(path: String) throws(LogStoreError) {
    self.path = path
    var streams: [String: Files] = [:]
    for name in try LogStoreError.entries(path) {
      if name.hasSuffix(Self.temporarySuffix) {
        unlink(path + "/" + name)
        continue
      }
      var info = stat()
      guard let file = LogFileName(name), lstat(path + "/" + name, &info) == 0, info.st_mode & S_IFMT == S_IFREG
      else { continue }
      streams[file.stem, default: Files()].segments.append(
        Segment(number: file.number, bytes: Int(info.st_size), isCompressed: file.isCompressed))
      let written = Int64(info.st_mtim.tv_sec) * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000
      streams[file.stem]!.lastWrite = max(streams[file.stem]!.lastWrite, written)
    }
    for stem in streams.keys { Self.sort(&streams[stem]!, stem, in: path) }
    state = Mutex(LogDirectoryState(streams))
  }

  /// The suffix of the names of incomplete files.
  static let temporarySuffix = ".tmp"

  /// Sorts a stream's files. If a file exists in both forms, its compressed form is complete.
  private static func sort(_ files: inout Files, _ stem: String, in path: String) {
    files.segments.sort { ($0.number, $0.isCompressed ? 0 : 1) < ($1.number, $1.isCompressed ? 0 : 1) }
    var kept: [Segment] = []
    for segment in files.segments {
      if kept.last?.number == segment.number {
        unlink(path + "/" + LogFileName(stem: stem, number: segment.number).text)
      } else {
        kept.append(segment)
      }
    }
    files.segments = kept
  }

  /// The disk usage of all files in bytes.
  var diskBytes: Int { state.withLock { $0.diskBytes } }

  /// Returns the files of some streams, or of all (nil), by stem.
  func files(of streams: Set<String>?) -> [String: Files] {
    state.withLock { state in
      guard let streams else { return state.files }
      var found: [String: Files] = [:]
      for stem in streams.flatMap({ state.stems[$0] ?? [] }) { found[stem] = state.files[stem] }
      return found
    }
  }

  /// Returns the newest file of a stem.
  func last(of stem: String) -> Segment? { state.withLock { $0.files[stem]?.segments.last } }

  /// Adds a new file to the list.
  func add(_ stem: String, _ segment: Segment, at time: Int64) {
    state.withLock { state in
      state.append(segment, to: stem)
      state.files[stem]!.lastWrite = time
    }
  }

  /// Records that the newest file of a stem has grown.
  func grew(_ stem: String, to bytes: Int, at time: Int64) {
    state.withLock { state in
      guard let last = state.files[stem]?.segments.indices.last else { return }
      state.change(stem, last) { $0.bytes = bytes }
      state.files[stem]!.lastWrite = time
    }
  }

  /// Records that a file was compressed; returns false if it is no longer listed.
  func compressed(_ stem: String, _ number: Int64, bytes: Int) -> Bool {
    state.withLock { state in
      guard let index = state.files[stem]?.segments.firstIndex(where: { $0.number == number }) else { return false }
      state.change(stem, index) { ($0.bytes, $0.isCompressed) = (bytes, true) }
      return true
    }
  }

  /// Removes files from the list until the others are within the limits. The caller deletes the returned files.
  /// - Parameter written: The stems that have grown.
  func evict(downTo limits: LogStore.Limits, written: [String]) -> [LogFileName] {
    state.withLock { state in
      var victims: [LogFileName] = []
      for stem in written { victims += state.trim(stem, to: limits.bytes(ofStem: stem)) }
      // Frees a tenth more than needed, so that not every line sorts the files.
      if state.sharedBytes > limits.totalBytes {
        victims += state.evict(downTo: limits.totalBytes - limits.totalBytes / 10) { $0.diskBytes }
      }
      if state.sharedCount > limits.files {
        victims += state.evict(downTo: limits.files - limits.files / 10) { _ in 1 }
      }
      return victims
    }
  }

  /// Returns the files worth compressing that will not grow any more: complete files, and large last files of stems not written
  /// since `time`.
  func compressible(notWrittenSince time: Int64) -> [LogFileName] {
    state.withLock { state in
      state.files.flatMap { stem, files in
        files.segments.enumerated().filter { index, segment in
          let isComplete = index < files.segments.count - 1
          return !segment.isCompressed && (isComplete || files.lastWrite < time && segment.bytes > 64 << 10)
        }.map { LogFileName(stem: stem, number: $1.number) }
      }
    }
  }
}
