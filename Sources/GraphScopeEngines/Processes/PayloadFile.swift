import Engines
import Glibc
import NIOCore
import NIOPosix

/// The data of an operation in a file, read on threads that may wait for the disk.
final class PayloadFile: Sendable {
  private let descriptor: Int32
  private let payload: SpooledData

  init(_ payload: SpooledData) throws(EngineError) {
    descriptor = open(payload.path, O_RDONLY | O_CLOEXEC)
    self.payload = payload
    guard descriptor >= 0 else { throw failure() }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Reads exactly `count` bytes from `offset`.
  /// - Throws: `EngineError.internalFailure` when they cannot be read.
  func read(at offset: Int, count: Int) async throws -> ByteBuffer {
    try await NIOThreadPool.singleton.runIfActive { [self] in
      var buffer = ByteBufferAllocator().buffer(capacity: count)
      while buffer.readableBytes < count {
        let done = buffer.readableBytes
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count - done) { memory in
          let got = pread(descriptor, memory.baseAddress, count - done, off_t(offset + done))
          guard got > 0 else { throw got < 0 ? failure() : failure("the file has become shorter") }
          return got
        }
      }
      return buffer
    }
  }

  private func failure(_ reason: String = String(cString: strerror(errno))) -> EngineError {
    EngineError(
      .internalFailure, "the data of an operation can no longer be read from '\(payload.path)': \(reason)")
  }
}
