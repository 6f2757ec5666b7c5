/// Selects records of the log store.
public struct LogQuery: Sendable, Equatable {
  /// The streams to read; nil for all.
  public var streams: Set<LogStream>?
  /// The earliest time, inclusive, in milliseconds since 1970.
  public var since: Int64?
  /// The latest time, exclusive, in milliseconds since 1970.
  public var until: Int64?
  /// The minimum level.
  public var minimumLevel = LogRecord.Level.debug
  /// Selects records about this session.
  public var session: String?
  /// Selects records about this step.
  public var step: String?
  /// Selects records about this child process.
  public var child: String?
  /// Selects records about this object, `kind/name`.
  public var object: String?
  /// Selects records of this tenant: about its sessions, or about its actions.
  public var tenant: String?
  /// A text that the message, reason, object or author must contain.
  public var text: String?
  /// A regular expression (of Swift's `Regex`) that must match in the message, reason, object or author. Matching may take time
  /// exponential in the pattern, so accept patterns from operators only.
  public var pattern: String?
  /// The maximum number of records; the oldest are returned.
  public var limit: Int?
  /// The number of newest existing records to return; at most 100,000 and 64 MiB.
  public var tail: Int?

  /// Creates a query for all records of the streams.
  public init(streams: Set<LogStream>? = nil) { self.streams = streams }

  /// The maximum length of a regular expression, in UTF-8 bytes.
  public static let maximumPatternBytes = 256

  /// Whether the query selects every line of its streams.
  var takesEveryLine: Bool {
    since == nil && until == nil && minimumLevel == .debug && session == nil && step == nil && child == nil
      && object == nil && tenant == nil && text == nil && pattern == nil
  }

  /// The stems of the selected streams; nil for all.
  var stems: Set<String>? { streams.map { Set($0.map(LogFileName.stem(of:))) } }
}

/// A query compiled for matching against many records.
struct LogMatcher {
  private let query: LogQuery
  private let levels: Set<LogRecord.Level>
  /// Texts that must occur, in UTF-8.
  private let texts: [[UInt8]]
  private let regex: Regex<AnyRegexOutput>?
  /// The selected sessions and children, checked in each record because the names of their files are not unique.
  private let sessions: Set<String>?
  private let children: Set<String>?

  /// - Throws: `LogStoreError.invalidArgument` for a pattern that is too long or invalid.
  init(_ query: LogQuery) throws(LogStoreError) {
    self.query = query
    levels = Set(LogRecord.Level.allCases.drop { $0 != query.minimumLevel })
    let regex = try query.pattern.map { pattern throws(LogStoreError) in try Self.regex(pattern) }
    // A pattern without special characters is a plain text, which is found fifty times as fast.
    let isText = query.pattern?.utf8.allSatisfy { Self.isPlain($0) } ?? false
    self.regex = isText ? nil : regex
    texts = [query.text, isText ? query.pattern : nil].compactMap { $0.map { Array($0.utf8) } }
    var sessions: Set<String> = []
    var children: Set<String> = []
    for stream in query.streams ?? [] {
      if case .session(let id) = stream { sessions.insert(id) }
      if case .child(let name) = stream { children.insert(name) }
    }
    self.sessions = query.streams == nil ? nil : sessions
    self.children = query.streams == nil ? nil : children
  }

  /// Returns whether a character stands for itself in every regular expression.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x20, 0x2c, 0x2f, 0x3a, 0x3d, 0x5f: true
    default: false
    }
  }

  private static func regex(_ pattern: String) throws(LogStoreError) -> Regex<AnyRegexOutput> {
    guard pattern.utf8.count <= LogQuery.maximumPatternBytes else {
      throw LogStoreError(
        .invalidArgument,
        "the pattern has \(pattern.utf8.count) bytes; the limit is \(LogQuery.maximumPatternBytes). Use a shorter one")
    }
    do {
      return try Regex(pattern)
    } catch {
      throw LogStoreError(.invalidArgument, "'\(pattern)' is not a regular expression: \(error)")
    }
  }

  /// Returns whether files of a stem may contain matching records.
  func wants(stem: String) -> Bool {
    guard let session = query.session, stem.hasPrefix(LogFileName.sessionPrefix) else { return true }
    return LogFileName.streamStem(stem) == LogFileName.stem(of: .session(session))
  }

  /// Returns whether a record from a file of a stem matches.
  func wants(_ record: LogRecord, stem: String) -> Bool {
    guard levels.contains(record.level), query.since.map({ record.timeMilliseconds >= $0 }) ?? true,
      query.until.map({ record.timeMilliseconds < $0 }) ?? true,
      query.session == nil || record.session == query.session, query.step == nil || record.step == query.step,
      query.child == nil || record.child == query.child, query.object == nil || record.object == query.object,
      query.tenant == nil || record.tenant == query.tenant
    else { return false }
    if let sessions, stem.hasPrefix(LogFileName.sessionPrefix) {
      guard let session = record.session, sessions.contains(session) else { return false }
    }
    if let children, stem.hasPrefix(LogFileName.childPrefix) {
      guard let child = record.child, children.contains(child) else { return false }
    }
    return matches(record)
  }

  private func matches(_ record: LogRecord) -> Bool {
    guard !texts.isEmpty || regex != nil else { return true }
    let fields = [record.message, record.reason, record.object, record.author].compactMap { $0 }
    for text in texts where !fields.contains(where: { Self.contains($0, text) }) { return false }
    if let regex, !fields.contains(where: { (try? regex.firstMatch(in: $0)) ?? nil != nil }) { return false }
    return true
  }

  /// Returns whether `field` contains the bytes of `text`.
  private static func contains(_ field: String, _ text: [UInt8]) -> Bool {
    guard let first = text.first else { return true }
    var field = field
    return field.withUTF8 { field in
      var rest = field[...]
      while rest.count >= text.count, let start = rest.firstIndex(of: first) {
        rest = rest[start...]
        if rest.starts(with: text) { return true }
        rest = rest.dropFirst()
      }
      return false
    }
  }
}
