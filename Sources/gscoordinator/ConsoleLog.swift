import Glibc
import Logging
import Support
import Wire

/// Writes log lines to standard output, and errors to standard error. A Python client that starts a coordinator always shows
/// its standard error to the user, but its standard output only on request.
struct ConsoleLog: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  let label: String
  /// Longest line, in bytes; text from clients may have any length.
  private static let maximumLineBytes = 16 << 10

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = "\(timestamp()) \(event.level) \(label): \(event.message)"
    let all = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
    if line.utf8.count > Self.maximumLineBytes {
      line = String(decoding: line.utf8.prefix(Self.maximumLineBytes), as: UTF8.self) + "…"
    }
    line = Redaction.redacted(line).replacingControlCharacters() + "\n"
    LogWriter.shared.write(line, to: event.level >= .error ? STDERR_FILENO : STDOUT_FILENO)
  }

  /// Returns the current time in UTC, in ISO 8601 with milliseconds.
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
  /// Returns the text as one line, so that text from clients cannot forge log lines.
  fileprivate func replacingControlCharacters() -> String {
    guard utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
  }
}
