import Glibc
import StateStore

/// A file to which transactions are appended.
struct Appending {
  private let descriptor: Int32
  private let path: String

  init(directory: String) throws {
    path = directory + "/appended"
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
    guard descriptor >= 0 else { throw SystemFailure(call: "open \(path)", code: errno) }
  }

  /// Appends transactions. Each group of `together` transactions is flushed to disk once, and its duration counts for each of
  /// them.
  func measure(_ commits: Int, together: Int) throws -> Times {
    let transaction = Step(session: "0123456789abcdef", number: 100).transaction
    let bytes = transaction.changes.reduce(into: [UInt8]()) { bytes, change in
      bytes += change.key.utf8
      if case .put(_, let value, _) = change { bytes += value }
    }
    let group = Array(repeatElement(bytes, count: together).joined())
    var times: [Double] = []
    let (start, processor) = (microseconds(CLOCK_MONOTONIC), microseconds(CLOCK_PROCESS_CPUTIME_ID))
    for _ in 0..<commits / together {
      let begin = microseconds(CLOCK_MONOTONIC)
      guard write(descriptor, group, group.count) == group.count else {
        throw SystemFailure(call: "write \(path)", code: errno)
      }
      guard fdatasync(descriptor) == 0 else { throw SystemFailure(call: "fdatasync \(path)", code: errno) }
      times += repeatElement(microseconds(CLOCK_MONOTONIC) - begin, count: together)
    }
    let elapsed = microseconds(CLOCK_MONOTONIC) - start
    return Times(times, elapsed: elapsed, processor: microseconds(CLOCK_PROCESS_CPUTIME_ID) - processor)
  }
}

/// A system call that failed.
struct SystemFailure: Error, CustomStringConvertible {
  let call: String
  let code: Int32
  var description: String { "\(call): \(String(cString: strerror(code)))" }
}
