import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Inputs that libFuzzer chooses by the code that earlier ones have reached, in a process that was built with `-sanitize=fuzzer`.
///
/// libFuzzer calls a function with each input, while a target asks for the next one. It therefore runs on a thread of its own, which
/// waits while the target uses an input. At the end, it ends the process, so a target has the process to itself.
///
/// `scripts/fuzz.sh --libfuzzer` sets `GSC_LIBFUZZER` to libFuzzer's arguments, one a line, and runs one target.
final class LibFuzzer: Sendable {
  private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  private typealias Driver =
    @convention(c) (
      UnsafeMutablePointer<CInt>, UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>, Callback
    ) -> CInt

  /// The only instance; a C function that captures nothing needs it.
  private static let shared = LibFuzzer()

  private let input = Mutex<[UInt8]>([])
  private let hasInput = DispatchSemaphore(value: 0)
  private let isUsed = DispatchSemaphore(value: 0)
  private let isFirst = Mutex(true)

  /// Starts libFuzzer with the corpus of a target.
  /// - Returns: nil unless `GSC_LIBFUZZER` is set.
  static func start(corpus: [[UInt8]]) -> LibFuzzer? {
    guard let text = ProcessInfo.processInfo.environment["GSC_LIBFUZZER"] else { return nil }
    guard let symbol = dlsym(nil, "LLVMFuzzerRunDriver") else {
      fatalError("GSC_LIBFUZZER is set, but the process was not built with -sanitize=fuzzer")
    }
    let arguments = ["fuzz"] + text.split(separator: "\n").map(String.init)
    // The first directory among the arguments is the corpus.
    if let directory = arguments.dropFirst().first(where: { !$0.hasPrefix("-") }) {
      for (index, seed) in corpus.enumerated() {
        try? Data(seed).write(to: URL(filePath: directory).appending(path: "seed-\(index)"))
      }
    }
    let driver = unsafeBitCast(symbol, to: Driver.self)
    Thread.detachNewThread {
      var count = CInt(arguments.count)
      let words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
      for (index, argument) in arguments.enumerated() { words[index] = strdup(argument) }
      words[arguments.count] = nil
      var pointer = words
      exit(driver(&count, &pointer) { bytes, count in LibFuzzer.shared.use(bytes, count) })
    }
    return shared
  }

  /// Offers an input to the target and waits until it asks for the next one. Called by libFuzzer.
  private func use(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    input.withLock { $0 = Array(UnsafeBufferPointer(start: bytes, count: count)) }
    hasInput.signal()
    isUsed.wait()
    return 0
  }

  /// Returns the next input, when the previous one was used.
  func next() -> [UInt8] {
    let isFirst = isFirst.withLock { isFirst in
      defer { isFirst = false }
      return isFirst
    }
    if !isFirst { isUsed.signal() }
    hasInput.wait()
    return input.withLock { $0 }
  }
}
