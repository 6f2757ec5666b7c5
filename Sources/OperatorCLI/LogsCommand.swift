import ArgumentParser
import Coordinator
import Foundation
import LogStore
import ServerConfiguration
import Support

/// `gscoordinator logs`: prints the logs of a coordinator, its sessions and its child processes, whether it is running or not.
struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract:
      "Prints the logs of coordinators, their sessions and their child processes, including those that have ended.",
    discussion: """
      Examples:
        gscoordinator logs --workspace /var/lib/gscoordinator --follow --tail 20
        gscoordinator logs --since 10m --level warning
        gscoordinator logs --session session_x --grep 'error|failed'
      """)

  @OptionGroup(title: "Coordinator options") var options: WorkspaceOptions
  @Option(help: "The directory of the logs. Default: `logs` in the workspace.") var directory: String?
  @Flag(name: [.short, .long], help: "Print new lines as they are written, until interrupted.") var follow = false
  @Option(help: "Only lines since this time (2026-11-24T10:00:00Z), or not older than this (90s, 10m, 2h, 7d).")
  var since: String?
  @Option(help: "Only lines before this time, or older than this.") var until: String?
  @Option(help: "Only lines that match this regular expression.") var grep: String?
  @Option(help: "Only lines about this session.") var session: String?
  @Option(help: "Only lines about this step.") var step: String?
  @Option(help: "Only lines about or from this child process.") var child: String?
  @Option(help: "Only lines about this object (kind/name).") var object: String?
  @Option(help: "Only lines of at least this level: debug, info, notice, warning or error.") var level: String?
  @Flag(help: "Only events: changes in the life of objects.") var events = false
  @Flag(help: "Only the audit trail: who did what to which object.") var audit = false
  @Option(help: "At most this many lines, the newest.") var tail: Int?
  @Flag(help: "Print JSON, one object per line.") var json = false

  func validate() throws {
    if let tail, tail < 0 { throw ValidationError("--tail is \(tail), but must be a number of lines, 0 or more") }
    if follow, until != nil { throw ValidationError("--follow cannot be combined with --until") }
  }

  func run() async throws {
    let reader = LogReader(directory: try resolveDirectory())
    let query = try query(at: Date())
    if follow {
      for await record in try reader.follow(query) { show(record) }
      return
    }
    var records = try reader.read(query).makeAsyncIterator()
    while let record = try await records.next() { show(record) }
    let damaged = records.damagedLines
    if damaged > 0 {
      FileHandle.standardError.write(
        Data("(\(damaged) damaged \(damaged == 1 ? "line was" : "lines were") skipped)\n".utf8))
    }
  }

  private func show(_ record: LogRecord) { print(json ? record.jsonLine : record.consoleLine) }

  // MARK: Query

  /// Returns the query that the options describe.
  func query(at now: Date) throws -> LogQuery {
    var query = LogQuery()
    if events || audit { query.streams = Set((events ? [.events] : []) + (audit ? [LogStream.audit] : [])) }
    query.since = try since.map { try Self.time($0, option: "--since", at: now) }
    query.until = try until.map { try Self.time($0, option: "--until", at: now) }
    query.pattern = grep
    query.session = session
    query.step = step
    query.child = child
    query.object = object
    query.tail = tail
    if let level {
      guard let minimum = LogRecord.Level(rawValue: level.lowercased()) else {
        let levels = LogRecord.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--level is '\(level)', but must be one of \(levels)")
      }
      query.minimumLevel = minimum
    }
    return query
  }

  /// Parses a time, or an interval before `now`. Returns milliseconds since 1970.
  static func time(_ text: String, option: String, at now: Date) throws -> Int64 {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    // Only whole numbers: a sign, a fraction or "nan" is not a valid interval.
    if let unit = text.last.flatMap({ units[$0] }), let count = UInt32(text.dropLast()) {
      return Int64((now.timeIntervalSince1970 - Double(count) * unit) * 1000)
    }
    let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
    for style in styles {
      if let date = try? style.parse(text) { return Int64((date.timeIntervalSince1970 * 1000).rounded()) }
    }
    throw ValidationError(
      "\(option) is '\(text.harmless(replacement: " "))', but must be a time such as 2026-11-24T10:00:00Z or an "
        + "age such as 90s, 10m, 2h or 7d")
  }

  /// Returns the directory of the logs.
  func resolveDirectory(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> String {
    if let directory { return try Self.existing(directory) }
    let settings = try options.resolve(environment: environment).settings
    if case .kept(let workspace) = WorkspaceChoice(settings, environment: environment) {
      return try Self.existing(workspace + "/logs")
    }
    let root = "\(environment["TMPDIR"] ?? "/tmp")/gscoordinator-\(getuid())"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    let found = names.map { "\(root)/\($0)/logs" }.filter { FileManager.default.fileExists(atPath: $0) }.sorted()
    guard found.count == 1 else {
      let which = found.isEmpty ? "" : ", for example " + found.prefix(8).joined(separator: " or ")
      throw ValidationError(
        "there are \(found.count) temporary workspaces with logs. Name one with --workspace or --directory\(which)")
    }
    return found[0]
  }

  private static func existing(_ directory: String) throws -> String {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw ValidationError(
        "there are no logs in '\(directory)'. Name the coordinator's workspace with --workspace, or the directory of its logs "
          + "with --directory")
    }
    return directory
  }
}

extension LogRecord {
  /// The record as a line of text: time, level, message, and the objects that it concerns.
  var consoleLine: String {
    var line = "\(timeText) \(level.rawValue) \(message)"
    let fields = [
      ("session", session), ("step", step), ("child", child), ("object", object), ("reason", reason),
      ("author", author), ("revision", revision.map(String.init)),
    ]
    for case (let name, let value?) in fields { line += " \(name)=\(value)" }
    return line.harmless(replacement: " ")
  }

  /// The time in ISO 8601. The formats with fractions round, so the milliseconds are appended to whole seconds.
  private var timeText: String {
    // Limited to the years 0 to 9999, because the file may contain any number.
    let time = min(max(timeMilliseconds, -62_167_219_200_000), 253_402_300_799_999)
    let (seconds, milliseconds) = (time - (time % 1000 + 1000) % 1000, (time % 1000 + 1000) % 1000)
    let whole = Date(timeIntervalSince1970: Double(seconds / 1000)).formatted(.iso8601)
    return "\(whole.dropLast()).\(String(1000 + milliseconds).dropFirst())Z"
  }
}
