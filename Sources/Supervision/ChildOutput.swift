import CPlatform
import Glibc

/// Receives one line of a child's output on the supervision thread; the flag is true for standard error.
typealias LineReceiver = (String, Bool) -> Void

/// Reads one stream of a child's output and passes its lines to a receiver. Confined to the supervision thread.
protocol ChildOutput: AnyObject {
  /// Starts reading.
  func begin()
  /// Reads the remaining output, emits the last line even if it is unterminated, and stops reading. Call it after the child
  /// ended.
  func finish()
}

private let chunkBytes = 64 * 1024

/// Output that arrives through a pipe, and ends with this process.
final class PipeOutput: ChildOutput {
  private let descriptor: Int32
  private let isError: Bool
  private let receive: LineReceiver
  private var lines = LineSplitter()
  private var isOpen = true

  /// Takes ownership of the read end, which must be nonblocking.
  init(descriptor: Int32, isError: Bool, receive: @escaping LineReceiver) {
    self.descriptor = descriptor
    self.isError = isError
    self.receive = receive
  }

  func begin() {
    // Read one chunk at a time: a child that writes endlessly must not starve the others.
    SupervisionThread.shared.watch(descriptor) { [weak self] in _ = self?.takeChunk() }
  }

  func finish() {
    // A pipe holds far less than 16 chunks; more data would come from a process that still writes.
    for _ in 0..<16 where isOpen { guard takeChunk() else { break } }
    end()
  }

  /// Reads one chunk. Returns false if no data is available.
  private func takeChunk() -> Bool {
    withUnsafeTemporaryAllocation(byteCount: chunkBytes, alignment: 1) { buffer in
      let count = read(descriptor, buffer.baseAddress!, chunkBytes)
      if count > 0 {
        lines.append(UnsafeRawBufferPointer(start: buffer.baseAddress, count: count)) { receive($0, isError) }
        return true
      }
      if count < 0, errno == EAGAIN || errno == EINTR { return false }
      end()
      return false
    }
  }

  private func end() {
    guard isOpen else { return }
    isOpen = false
    SupervisionThread.shared.unwatch(descriptor)
    close(descriptor)
    lines.finish { receive($0, isError) }
  }
}

/// Output that is written to a file and read from there, so that it survives this process.
///
/// A second file next to it stores the position up to which whole lines were read: after a crash of the reader, lines may be
/// delivered twice, but none is lost. The storage of bytes already read is returned to the file system by punching a hole or,
/// where that is not supported, by truncating the file once all of it has been read. If the reader falls behind by more than
/// `backlogBytes`, it skips output and reports that.
final class FileOutput: ChildOutput {
  /// The number of bytes to read before their storage is released.
  static let keptBytes: Int64 = 16 << 20
  /// The maximum number of bytes waiting to be read.
  static let backlogBytes: Int64 = 256 << 20

  private let descriptor: Int32
  private let positionDescriptor: Int32
  private let isError: Bool
  private let receive: LineReceiver
  private var lines = LineSplitter()
  private var position: Int64
  private var released: Int64 = 0
  private var savedPosition: Int64
  private var timer: UInt64?
  private var pause = Duration.milliseconds(20)
  /// While false, the stored position does not advance, so a successor starts where this reader started.
  var savesPosition: Bool

  /// Follows the existing file at `path`, starting at the stored position.
  /// - Throws: `SupervisionError` if it cannot be opened.
  init(path: String, isError: Bool, savesPosition: Bool, receive: @escaping LineReceiver) throws {
    descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw SupervisionError.file(path, errno) }
    positionDescriptor = open(path + ".position", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard positionDescriptor >= 0 else {
      let failure = errno
      close(descriptor)
      throw SupervisionError.file(path + ".position", failure)
    }
    self.isError = isError
    self.savesPosition = savesPosition
    self.receive = receive
    let saved = ProcessTable.readFile(path + ".position", limit: 32) ?? []
    position = max(0, Int64(String(decoding: saved, as: UTF8.self)) ?? 0)
    savedPosition = position
  }

  deinit {
    close(descriptor)
    close(positionDescriptor)
  }

  func begin() { look() }

  func finish() {
    if let timer { SupervisionThread.shared.cancel(timer) }
    timer = nil
    // Bound the loop: another process may still be writing.
    var chunks = FileOutput.backlogBytes / Int64(chunkBytes) + 1
    while chunks > 0, takeChunk() > 0 { chunks -= 1 }
    lines.finish { receive($0, isError) }
    save()
  }

  private func look() {
    let count = takeChunk()
    // The growth of a file can only be detected by polling; poll less often while it does not grow.
    pause = count == 0 ? min(pause * 2, .milliseconds(200)) : .milliseconds(20)
    let next = ContinuousClock.now + (count == chunkBytes ? .zero : pause)
    timer = SupervisionThread.shared.at(next) { [weak self] in self?.look() }
  }

  private func takeChunk() -> Int {
    skipWhatIsTooMuch()
    let count = withUnsafeTemporaryAllocation(byteCount: chunkBytes, alignment: 1) { buffer in
      let count = max(0, pread(descriptor, buffer.baseAddress!, chunkBytes, off_t(position)))
      position += Int64(count)
      lines.append(UnsafeRawBufferPointer(start: buffer.baseAddress, count: count)) { receive($0, isError) }
      return count
    }
    if count > 0 {
      save()
      release()
    }
    return count
  }

  private func skipWhatIsTooMuch() {
    let size = fileSize()
    if size < position { position = 0 }
    guard size - position > FileOutput.backlogBytes else { return }
    let target = size - 1 << 20
    receive(
      "[\(target - position) bytes of output were skipped: they were written faster than they could be read]", isError)
    position = target
  }

  private func fileSize() -> Int64 {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : position
  }

  private func save() {
    let wholeLines = position - Int64(lines.pendingBytes)
    guard savesPosition, wholeLines != savedPosition else { return }
    let digits = String(wholeLines)
    let text = String(repeating: "0", count: 20 - digits.count) + digits
    if pwrite(positionDescriptor, text, 20, 0) == 20 { savedPosition = wholeLines }
  }

  private func release() {
    guard savesPosition, savedPosition - released >= FileOutput.keptBytes else { return }
    if platform_punch_hole(descriptor, released, savedPosition - released) == 0 {
      released = savedPosition
    } else if fileSize() == position, lines.pendingBytes == 0 {
      // The child appends. Output that it writes between these two calls is lost; punching holes has no such gap.
      ftruncate(descriptor, 0)
      position = 0
      released = 0
      save()
    }
  }
}
