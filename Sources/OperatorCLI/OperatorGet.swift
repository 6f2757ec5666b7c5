import ArgumentParser
import JSON
import Objects
import StateStore
import Wire

/// `gscoordinator get`: lists objects.
struct OperatorGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Shows all objects of a kind, or one object, of a running coordinator.",
    discussion: """
      Examples:
        gscoordinator get sessions
        gscoordinator get graphs
        gscoordinator get steps --watch
        gscoordinator get session session_x -o yaml
      """)

  @OptionGroup var object: ObjectArguments
  @Option(name: .shortAndLong, help: "The output format.") var output = OutputFormat.table
  @Option(help: "Only objects of this owner.") var owner: String?
  @Flag(name: .shortAndLong, help: "Show changes as they happen.") var watch = false
  @Option(name: .customLong("at"), help: "Show objects as of this revision.") var revision: Int64?
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws {
    guard !watch || revision == nil else { throw ValidationError("--watch cannot be combined with --at") }
    if let revision, revision < 0 { throw ValidationError("--at is \(revision), but must be a revision, 0 or more") }
    if owner != nil, try object.resolve().name != nil {
      throw ValidationError("--owner cannot be combined with the name of an object")
    }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let (kind, name) = try object.resolve()
    if watch { return try await follow(kind, name, client, console) }
    let at = revision.map { String($0) }
    if let name {
      let object = try await client.get(kind.path(name), [("revision", at)])
      if let document = try output.document(object) { return console.write(document) }
      return show([object], kind, console)
    }
    let list = try await ObjectList(kind, at: at, owner: owner, client)
    if let document = try output.document(list.json) { return console.write(document) }
    guard !list.items.isEmpty else { return console.write("No \(kind.plural) found.") }
    show(list.items, kind, console)
  }

  private func show(_ objects: [JSONValue], _ kind: ObjectKind, _ console: OperatorConsole) {
    let columns = ObjectColumns(objects, of: kind, isWide: output == .wide)
    var table = TextTable(columns.titles)
    for line in table.lines(objects.map { columns.row($0, now: console.now()) }) { console.write(line) }
  }

  /// Shows objects and their changes. Starts over when changes in between are no longer available.
  private func follow(
    _ kind: ObjectKind, _ name: String?, _ client: OperatorClient, _ console: OperatorConsole
  ) async throws {
    while true {
      var view = WatchView(kind, output: output)
      var isOutdated = false
      try await client.lines(kind.path(name), [("watch", "true"), ("owner", owner)]) { line in
        isOutdated = line["type"]?.text == "compacted"
        guard !isOutdated else { return false }
        for text in try view.take(line, now: console.now()) { console.write(text) }
        return true
      }
      guard isOutdated else {
        throw OperatorError("the coordinator at \(client.address) ended the watch. Repeat the command to watch again")
      }
    }
  }
}

/// The objects of a kind, collected from all pages.
struct ObjectList {
  let kind: ObjectKind
  let revision: JSONValue
  private(set) var items: [JSONValue] = []

  /// Requests all pages.
  init(_ kind: ObjectKind, at revision: String?, owner: String? = nil, _ client: OperatorClient) async throws {
    self.kind = kind
    var page = try await client.get(kind.path(), [("revision", revision), ("owner", owner)])
    self.revision = page["revision"] ?? .null
    while true {
      items += page["items"]?.elements ?? []
      guard let token = page["continue"]?.text else { break }
      page = try await client.get(kind.path(), [("continue", token), ("owner", owner)])
    }
  }

  /// The list as a single answer.
  var json: JSONValue {
    .object([("kind", .string(kind.rawValue)), ("revision", revision), ("items", .array(items))])
  }
}

/// The output of a watch: first the existing objects, then a row for each change.
struct WatchView {
  let kind: ObjectKind
  let output: OutputFormat
  private var objects: [JSONValue] = []
  private var table: (columns: ObjectColumns, text: TextTable)?

  init(_ kind: ObjectKind, output: OutputFormat) { (self.kind, self.output) = (kind, output) }

  /// Returns the lines to write for a line of the stream.
  mutating func take(_ line: JSONValue, now: Int64) throws -> [String] {
    if let text = try output.streamed(line) { return [text] }
    switch (line["type"]?.text, line["object"]) {
    case ("snapshot", let object?):
      objects.append(object)
      return []
    case ("snapshot", nil):
      let columns = ObjectColumns(objects, of: kind, isWide: output == .wide)
      var text = TextTable(columns.titles)
      defer { table = (columns, text) }
      return text.lines(objects.map { columns.row($0, now: now) })
    case ("put", let object?): return table.map { [$0.text.line($0.columns.row(object, now: now))] } ?? []
    case ("delete", let object?):
      return table.map { [$0.text.line($0.columns.row(object, status: "Deleted", now: now))] } ?? []
    default: return []
    }
  }
}
