@preconcurrency import Dispatch
import Synchronization

/// Reads the logs of all instances below a directory, while their coordinators run or after they died. It takes no lock
/// and changes nothing.
public final class LogReader: Sendable {
  private let directory: String
  private let queue = DispatchQueue(label: "logs.read")
  /// How long the last look at the directories took.
  private let lookTime = Mutex(Duration.zero)

  /// A reader of a log store's directory.
  public init(directory: String) { self.directory = directory }

  /// The records that the query finds, in the order of their times.
  /// - Throws: `CoordinatorError.invalidArgument` for a bad pattern.
  public func read(_ query: LogQuery) throws(CoordinatorError) -> LogRecords {
    try LogRecords(query, on: queue) { [self] stems throws(CoordinatorError) in try files(of: stems) }
  }

  /// The records that the query finds and those that come, each once, until the reader stops. Looks for new ones five
  /// times a second, or less often so that looking takes a tenth of the time at most.
  /// - Throws: `CoordinatorError.invalidArgument` for a bad pattern.
  public func follow(_ query: LogQuery) throws(CoordinatorError) -> AsyncStream<LogRecord> {
    try read(query).followed(
      by: { [self] in
        let pause = max(.milliseconds(200), min(.seconds(5), lookTime.withLock { $0 } * 9))
        return (try? await Task.sleep(for: pause)).map { LogHub.News(stems: nil) }
      }, as: { $0 }, onEnd: {})
  }

  private func files(of stems: Set<String>?) throws(CoordinatorError) -> [LogScan.Place: [Int64]] {
    let start = ContinuousClock.now
    defer { lookTime.withLock { $0 = ContinuousClock.now - start } }
    var files: [LogScan.Place: Set<Int64>] = [:]
    for instance in try directoryEntries(directory) {
      let path = directory + "/" + instance
      // A directory that goes away meanwhile has nothing for us.
      guard let names = try? directoryEntries(path) else { continue }
      for name in names {
        guard let file = LogFileName(name), stems?.contains(file.stem) ?? true else { continue }
        files[LogScan.Place(path: path, stem: file.stem), default: []].insert(file.number)
      }
    }
    return files.mapValues { $0.sorted() }
  }
}
