import Glibc
import Synchronization

/// The files of one instance of the log store: which there are, how large they are, and which go first.
///
/// Shared by the writer, the compressor and the readers of one process. A file is complete when a later one of its
/// stream is listed or when it is compressed; only the last one grows.
final class LogDirectory: Sendable {
  /// A file of a stream.
  struct Segment: Sendable, Equatable {
    var number: Int64
    var bytes: Int
    var isCompressed: Bool

    /// What it takes on the disk, and never nothing: this bounds the number of files as well.
    var diskBytes: Int { (bytes + 4095) / 4096 * 4096 + 4096 }
  }

  /// The files of a stream, oldest first.
  struct Files: Sendable {
    var segments: [Segment] = []
    /// In milliseconds since 1970.
    var lastWrite: Int64 = 0
  }

  private struct State {
    var streams: [String: Files] = [:]
    var diskBytes = 0
  }

  /// The directory.
  let path: String
  private let state: Mutex<State>

  /// Reads the directory `path`, and puts right what a killed process left: halves of compressed files go.
  /// - Throws: `CoordinatorError.inputOutput`.
  init(path: String) throws(CoordinatorError) {
    self.path = path
    var state = State()
    for name in try directoryEntries(path) {
      if name.hasSuffix(Self.temporarySuffix) {
        unlink(path + "/" + name)
        continue
      }
      var info = stat()
      guard let file = LogFileName(name), lstat(path + "/" + name, &info) == 0, info.st_mode & S_IFMT == S_IFREG
      else { continue }
      state.streams[file.stem, default: Files()].segments.append(
        Segment(number: file.number, bytes: Int(info.st_size), isCompressed: file.isCompressed))
      let written = Int64(info.st_mtim.tv_sec) * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000
      state.streams[file.stem]!.lastWrite = max(state.streams[file.stem]!.lastWrite, written)
    }
    for stem in state.streams.keys { Self.sort(&state.streams[stem]!, stem, in: path) }
    state.diskBytes = state.streams.values.reduce(0) { $0 + $1.segments.reduce(0) { $0 + $1.diskBytes } }
    self.state = Mutex(state)
  }

  /// What the names of files end with while they are being made.
  static let temporarySuffix = ".tmp"

  /// Brings a stream's files in order. One that is there plain and compressed was compressed completely.
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

  /// What all files take on the disk, in bytes.
  var diskBytes: Int { state.withLock { $0.diskBytes } }

  /// The numbers of the files of some streams, or of all.
  func numbers(of stems: Set<String>?) -> [String: [Int64]] {
    state.withLock { state in
      guard let stems else { return state.streams.mapValues { $0.segments.map(\.number) } }
      var numbers: [String: [Int64]] = [:]
      for stem in stems { numbers[stem] = state.streams[stem]?.segments.map(\.number) }
      return numbers
    }
  }

  /// The newest file of a stream.
  func last(of stem: String) -> Segment? { state.withLock { $0.streams[stem]?.segments.last } }

  /// Lists a new file.
  func add(_ stem: String, _ segment: Segment, at time: Int64) {
    state.withLock { state in
      state.streams[stem, default: Files()].segments.append(segment)
      state.streams[stem]!.lastWrite = time
      state.diskBytes += segment.diskBytes
    }
  }

  /// Notes that the newest file of a stream has grown.
  func grew(_ stem: String, to bytes: Int, at time: Int64) {
    state.withLock { state in
      guard let last = state.streams[stem]?.segments.indices.last else { return }
      state.diskBytes -= state.streams[stem]!.segments[last].diskBytes
      state.streams[stem]!.segments[last].bytes = bytes
      state.diskBytes += state.streams[stem]!.segments[last].diskBytes
      state.streams[stem]!.lastWrite = time
    }
  }

  /// Notes that a file was compressed; false when it is no longer listed.
  func compressed(_ stem: String, _ number: Int64, bytes: Int) -> Bool {
    state.withLock { state in
      guard let index = state.streams[stem]?.segments.firstIndex(where: { $0.number == number }) else { return false }
      state.diskBytes -= state.streams[stem]!.segments[index].diskBytes
      state.streams[stem]!.segments[index].bytes = bytes
      state.streams[stem]!.segments[index].isCompressed = true
      state.diskBytes += state.streams[stem]!.segments[index].diskBytes
      return true
    }
  }

  /// Takes files off the list until what stays is below the bound: oldest complete files first, then those of the
  /// streams that were written least recently. The caller deletes them.
  func evict(downTo bound: Int) -> [LogFileName] {
    state.withLock { state in
      guard state.diskBytes > bound else { return [] }
      // A tenth more than needed: sorting is not for every line.
      let aim = bound - bound / 10
      var candidates: [(isLast: Bool, age: Int64, file: LogFileName, bytes: Int)] = []
      for (stem, files) in state.streams {
        for (index, segment) in files.segments.enumerated() {
          let isLast = index == files.segments.count - 1
          candidates.append(
            (
              isLast, isLast ? files.lastWrite : segment.number,
              LogFileName(stem: stem, number: segment.number, isCompressed: segment.isCompressed), segment.diskBytes
            ))
        }
      }
      candidates.sort { ($0.isLast ? 1 : 0, $0.age) < ($1.isLast ? 1 : 0, $1.age) }
      var victims: [LogFileName] = []
      for candidate in candidates where state.diskBytes > aim {
        victims.append(candidate.file)
        state.diskBytes -= candidate.bytes
        state.streams[candidate.file.stem]!.segments.removeAll { $0.number == candidate.file.number }
        if candidate.isLast { state.streams[candidate.file.stem] = nil }
      }
      return victims
    }
  }

  /// Files that will not grow any more and are worth compressing: complete ones, and large last ones of streams that
  /// were not written since `time`.
  func compressible(notWrittenSince time: Int64) -> [LogFileName] {
    state.withLock { state in
      state.streams.flatMap { stem, files in
        files.segments.enumerated().filter { index, segment in
          let isComplete = index < files.segments.count - 1
          return !segment.isCompressed && (isComplete || files.lastWrite < time && segment.bytes > 64 << 10)
        }.map { LogFileName(stem: stem, number: $1.number) }
      }
    }
  }
}
