import Coordinator
import Glibc
import Logging
import Synchronization

/// Writes log lines to standard output, and errors to standard error: the Python client that launches a coordinator
/// shows its standard error to the user always and its standard output only when asked to.
struct ConsoleLog: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  let label: String
  /// Where the lines are kept as well, as soon as there is a log store.
  static let store = Mutex<LogStore?>(nil)
  /// Longest line; what clients send may be of any length.
  private static let maximumLineBytes = 16 << 10

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    if let store = Self.store.withLock({ $0 }) {
      var kept = StoredLog(store, logLevel: logLevel)
      kept.metadata = metadata
      kept.log(event: event)
    }
    var line = "\(timestamp()) \(event.level) \(label): \(event.message)"
    let all = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
    if line.utf8.count > Self.maximumLineBytes {
      line = String(decoding: line.utf8.prefix(Self.maximumLineBytes), as: UTF8.self) + "…"
    }
    line = line.replacingControlCharacters() + "\n"
    LogWriter.shared.write(line, to: event.level >= .error ? STDERR_FILENO : STDOUT_FILENO)
  }

  /// The time of day in UTC, to the millisecond: ISO 8601.
  private func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    var text = [CChar](repeating: 0, count: 32)
    strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) + ".\(milliseconds)Z"
  }
}

extension String {
  /// One line: what clients send must not forge log lines.
  fileprivate func replacingControlCharacters() -> String {
    guard utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
  }
}
