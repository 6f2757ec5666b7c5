import ArgumentParser
import JSON
import Wire

/// `gscoordinator events`: shows events of objects.
struct OperatorEvents: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "Shows the events of objects, the newest last.")

  @Option(help: "Only events of this object (kind/name).") var object: String?
  @Option(help: "Only events not older than this, such as 90s, 10m, 2h or 7d.") var since: String?
  @Option(help: "Only events of at least this level: debug, info, notice, warning or error.") var level: String?
  @Option(help: "At most this many events, the newest; 1 to 1000.") var limit = 500
  @Flag(name: .shortAndLong, help: "Show new events as they happen.") var follow = false
  @Option(name: .shortAndLong, help: "The output format; wide is the same as table.") var output = OutputFormat.table
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws {
    if let since, OperatorTime.milliseconds(since) == nil {
      throw ValidationError("--since is '\(since)', but must be a length of time such as 90s, 10m, 2h or 7d")
    }
    guard (1...1000).contains(limit) else {
      throw ValidationError("--limit is \(limit), but must be a whole number from 1 to 1000")
    }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let since = since.flatMap(OperatorTime.milliseconds).map { String(max(0, console.now() - $0)) }
    let query = [
      ("object", object), ("since", since), ("level", level), ("limit", String(limit)),
      ("follow", follow ? "true" : nil),
    ]
    guard follow else { return try show(await client.get("/control/v1/events", query), console) }
    var table = TextTable(Self.titles)
    if output == .table || output == .wide { table.lines([Self.typicalRow]).prefix(1).forEach(console.write) }
    try await client.lines("/control/v1/events", query) { event in
      console.write(try output.streamed(event) ?? table.line(Self.row(event)))
      return true
    }
    throw OperatorError(
      "the coordinator at \(client.address) ended the stream of events. Repeat the command to follow them again")
  }

  private func show(_ list: JSONValue, _ console: OperatorConsole) throws {
    if let document = try output.document(list) { return console.write(document) }
    let events = list["items"]?.elements ?? []
    guard !events.isEmpty else { return console.write("No events found.") }
    var table = TextTable(Self.titles)
    for line in table.lines(events.map(Self.row)) { console.write(line) }
  }

  private static let titles = ["TIME", "LEVEL", "REASON", "OBJECT", "MESSAGE"]

  /// Typical widths of the columns, because future rows are not known.
  private static let typicalRow = [
    OperatorTime.text(0), "warning", "LeaseExpiredLong", "session/abcdefghijklmnop", "",
  ]

  private static func row(_ event: JSONValue) -> [String] {
    [OperatorTime.text(event["timeMilliseconds"]?.number)]
      + ["level", "reason", "object", "message"].map { event[$0]?.text ?? "" }
  }
}
