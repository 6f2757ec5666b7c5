/// Which records of the log store are wanted.
public struct LogQuery: Sendable, Equatable {
  /// Streams to read; nil for all.
  public var streams: Set<LogStream>?
  /// The earliest time, in milliseconds since 1970.
  public var since: Int64?
  /// The time, in milliseconds since 1970, at which and after which nothing is wanted.
  public var until: Int64?
  /// The least level.
  public var minimumLevel = LogRecord.Level.debug
  /// Records about this session alone.
  public var session: String?
  /// Records about this step alone.
  public var step: String?
  /// Records about this child process alone.
  public var child: String?
  /// Records about this object alone, as `kind/name`.
  public var object: String?
  /// Records of this tenant alone: about its sessions, or what it did.
  public var tenant: String?
  /// A text that the message, reason, object or author contains.
  public var text: String?
  /// A regular expression (of Swift's `Regex`) that is found in the message, reason, object or author. Finding it may take
  /// time exponential in the pattern: take patterns from operators alone.
  public var pattern: String?
  /// At most so many records, the oldest.
  public var limit: Int?
  /// Of what is there, so many records, the newest; at most 100,000 and 64 MiB.
  public var tail: Int?

  /// Everything.
  public init(streams: Set<LogStream>? = nil) { self.streams = streams }

  /// The longest regular expression, in UTF-8 bytes.
  public static let maximumPatternBytes = 256

  /// Whether every line of the wanted streams is wanted.
  var takesEveryLine: Bool {
    since == nil && until == nil && minimumLevel == .debug && session == nil && step == nil && child == nil
      && object == nil && tenant == nil && text == nil && pattern == nil
  }

  /// The stems of the wanted streams' files; nil for all.
  var stems: Set<String>? { streams.map { Set($0.map(LogFileName.stem(of:))) } }
}

/// A query made ready to be asked for every record.
struct LogMatcher {
  private let query: LogQuery
  private let levels: Set<LogRecord.Level>
  /// Texts that must be there, as UTF-8.
  private let texts: [[UInt8]]
  private let regex: Regex<AnyRegexOutput>?
  /// Whose sessions and children may be read from files whose names are not unique.
  private let sessions: Set<String>?
  private let children: Set<String>?

  /// - Throws: `CoordinatorError.invalidArgument` for a pattern that is too long or none.
  init(_ query: LogQuery) throws(CoordinatorError) {
    self.query = query
    levels = Set(LogRecord.Level.allCases.drop { $0 != query.minimumLevel })
    let regex = try query.pattern.map { pattern throws(CoordinatorError) in try Self.regex(pattern) }
    // A pattern without special characters is a text, which is found fifty times as fast.
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

  /// Whether a character stands for itself in every regular expression.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x20, 0x2c, 0x2f, 0x3a, 0x3d, 0x5f: true
    default: false
    }
  }

  private static func regex(_ pattern: String) throws(CoordinatorError) -> Regex<AnyRegexOutput> {
    guard pattern.utf8.count <= LogQuery.maximumPatternBytes else {
      throw CoordinatorError(
        .invalidArgument,
        "the pattern has \(pattern.utf8.count) bytes, but \(LogQuery.maximumPatternBytes) are the most. Shorten it")
    }
    do {
      return try Regex(pattern)
    } catch {
      throw CoordinatorError(.invalidArgument, "'\(pattern)' is not a regular expression: \(error)")
    }
  }

  /// Whether files of that stem may hold what is wanted.
  func wants(stem: String) -> Bool {
    guard let session = query.session, stem.hasPrefix(LogFileName.sessionPrefix) else { return true }
    return stem == LogFileName.stem(of: .session(session))
  }

  /// Whether the record of a file of that stem is wanted.
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

  /// Whether the bytes of `text` are found in `field`.
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
