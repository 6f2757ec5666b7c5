import CPlatform
import Glibc

/// Receives a child's lines on the supervision thread; true for lines of standard error.
typealias LineReceiver = (String, Bool) -> Void

/// One stream of a child's output, on its way to a receiver of lines. Used on the supervision thread only.
protocol ChildOutput: AnyObject {
  /// Starts to follow.
  func begin()
  /// Takes what is there, ends the last line and stops following. The child has ended.
  func finish()
}

private let chunkBytes = 64 * 1024

/// Output that comes through a pipe, and ends with us.
final class PipeOutput: ChildOutput {
  private let descriptor: Int32
  private let isError: Bool
  private let receive: LineReceiver
  private var lines = LineSplitter()
  private var isOpen = true

  /// Takes the read end over. It must not block.
  init(descriptor: Int32, isError: Bool, receive: @escaping LineReceiver) {
    self.descriptor = descriptor
    self.isError = isError
    self.receive = receive
  }

  func begin() {
    // One chunk at a time: a child that writes without end must not keep the others waiting.
    SupervisionThread.shared.watch(descriptor) { [weak self] in _ = self?.takeChunk() }
  }

  func finish() {
    // A pipe holds far less than 16 chunks; more would come from somebody who still writes.
    for _ in 0..<16 where isOpen { guard takeChunk() else { break } }
    end()
  }

  /// False when nothing is there.
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

/// Output that goes to a file and is read from there, so that it outlives us.
///
/// Beside the file stands how far it was read, up to whole lines: after a crash of ours lines may come again, none is
/// missed. What was read is given back to the file system (a hole is punched; where that cannot be, the file is cut
/// when all of it was read). When the reader is further behind than `backlogBytes`, it skips and says so.
final class FileOutput: ChildOutput {
  /// When so many bytes were read, they are given back.
  static let keptBytes: Int64 = 16 << 20
  /// The most that waits to be read.
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
  /// While false, a successor begins where this one began.
  var savesPosition: Bool

  /// Follows `path`, which exists, from where it was last read to.
  /// - Throws: `SupervisionError` when it cannot be opened.
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
    // A bound all the same: somebody else may write on.
    var chunks = FileOutput.backlogBytes / Int64(chunkBytes) + 1
    while chunks > 0, takeChunk() > 0 { chunks -= 1 }
    lines.finish { receive($0, isError) }
    save()
  }

  private func look() {
    let count = takeChunk()
    // Nothing tells when a file grows but looking; less often while it does not.
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
    receive("[\(target - position) bytes of output were skipped: they came faster than they could be taken]", isError)
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
      // The child appends. What it writes between these two calls is lost; holes have no such gap.
      ftruncate(descriptor, 0)
      position = 0
      released = 0
      save()
    }
  }
}
