@preconcurrency import Dispatch
import Support
import Synchronization

/// Reads the logs of all instances below a directory, whether or not their coordinators are running. It takes no lock and changes
/// nothing.
public final class LogReader: Sendable {
  private let directory: String
  private let queue = DispatchQueue(label: "logs.read")
  /// The duration of the last check of the directories.
  private let lookTime = Mutex(Duration.zero)

  /// Creates a reader for the directory of a log store.
  public init(directory: String) { self.directory = directory }

  /// Returns the records that match a query, ordered by time.
  /// - Throws: `LogStoreError.invalidArgument` for an invalid pattern.
  public func read(_ query: LogQuery) throws(LogStoreError) -> LogRecords {
    try LogRecords(query, on: queue) { [self] stems throws(LogStoreError) in try files(of: stems) }
  }

  /// Returns the records that match a query, existing and future ones, each once, until the reader stops. Checks for new records
  /// five times per second, or less often so that checking takes at most a tenth of the time.
  /// - Throws: `LogStoreError.invalidArgument` for an invalid pattern.
  public func follow(_ query: LogQuery) throws(LogStoreError) -> AsyncStream<LogRecord> {
    try read(query).followed(
      by: { [self] in
        let pause = max(.milliseconds(200), min(.seconds(5), lookTime.withLock { $0 } * 9))
        return (try? await Task.sleep(for: pause)).map { LogHub.News(stems: nil) }
      }, as: { $0 }, onEnd: {})
  }

  private func files(of streams: Set<String>?) throws(LogStoreError) -> [LogScan.Place: LogScan.Listed] {
    let start = ContinuousClock.now
    defer { lookTime.withLock { $0 = ContinuousClock.now - start } }
    var files: [LogScan.Place: Set<Int64>] = [:]
    for instance in try LogStoreError.entries(directory) {
      let path = directory + "/" + instance
      // A directory that was removed in the meantime contains nothing to read.
      guard let names = try? Directories.entries(path) else { continue }
      for name in names {
        guard let file = LogFileName(name), streams?.contains(LogFileName.streamStem(file.stem)) ?? true
        else { continue }
        files[LogScan.Place(path: path, stem: file.stem), default: []].insert(file.number)
      }
    }
    return files.mapValues { LogScan.Listed(numbers: $0.sorted(), lastWrite: nil) }
  }
}
