import Logging

/// A swift-log handler that writes the coordinator's lines to the log store. The metadata `session`, `step`, `child` and `object`
/// become fields of the record; other metadata follows the message as `key=value`.
public struct StoredLog: LogHandler {
  /// The minimum level of stored lines.
  public var logLevel: Logger.Level
  /// Metadata added to every line.
  public var metadata: Logger.Metadata = [:]
  private let store: LogStore

  /// Creates a handler that writes to a store.
  public init(_ store: LogStore, logLevel: Logger.Level) {
    self.store = store
    self.logLevel = logLevel
  }

  /// A metadata value that is added to every line.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Queues a line.
  public func log(event: LogEvent) {
    var record = store.record(LogRecord.Level(event.level), "\(event.message)")
    var all = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
    record.session = all.removeValue(forKey: "session").map { "\($0)" }
    record.step = all.removeValue(forKey: "step").map { "\($0)" }
    record.child = all.removeValue(forKey: "child").map { "\($0)" }
    record.object = all.removeValue(forKey: "object").map { "\($0)" }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { record.message += " \(key)=\(value)" }
    store.append(record, to: .coordinator)
  }
}

extension LogRecord.Level {
  /// Converts a level of swift-log.
  public init(_ level: Logger.Level) {
    switch level {
    case .trace, .debug: self = .debug
    case .info: self = .info
    case .notice: self = .notice
    case .warning: self = .warning
    case .error, .critical: self = .error
    }
  }
}
