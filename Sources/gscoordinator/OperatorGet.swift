import ArgumentParser
import Cluster
import Wire

/// `gscoordinator get`: shows objects.
struct OperatorGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Shows objects of a running coordinator: all of a kind, or one.")

  @OptionGroup var object: ObjectArguments
  @Option(name: .shortAndLong, help: "table, wide, json or yaml.") var output = OutputFormat.table
  @Option(help: "Only those of this owner.") var owner: String?
  @Flag(name: .shortAndLong, help: "Show changes as they happen.") var watch = false
  @Option(name: .customLong("at"), help: "Show them as they were at this revision.") var revision: Int64?
  @OptionGroup var options: OperatorOptions

  func validate() throws {
    guard !watch || revision == nil else { throw ValidationError("--watch and --at exclude each other") }
    if let revision, revision < 0 { throw ValidationError("--at wants a revision, a whole number from 0") }
    if owner != nil, try object.resolve().name != nil { throw ValidationError("--owner wants no name") }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let (kind, name) = try object.resolve()
    if watch { return try await follow(kind, name, client, console) }
    let at = revision.map { String($0) }
    if let name {
      let object = try await client.get(kind.path(name), [("revision", at)])
      if let document = try output.document(object) { return console.write(document) }
      return show([object], console)
    }
    let list = try await self.list(kind, at, client)
    if let document = try output.document(list) { return console.write(document) }
    let objects = list["items"]?.elements ?? []
    guard !objects.isEmpty else { return console.write("No \(kind.plural) found.") }
    show(objects, console)
  }

  private func show(_ objects: [JSONValue], _ console: OperatorConsole) {
    let columns = ObjectColumns(objects, isWide: output == .wide)
    var table = TextTable(columns.titles)
    for line in table.lines(objects.map { columns.row($0, now: console.now()) }) { console.write(line) }
  }

  /// All pages of a list, as one.
  private func list(_ kind: ObjectKind, _ at: String?, _ client: OperatorClient) async throws -> JSONValue {
    var items: [JSONValue] = []
    var page = try await client.get(kind.path(), [("revision", at), ("owner", owner)])
    let revision = page["revision"] ?? .null
    while true {
      items += page["items"]?.elements ?? []
      guard let token = page["continue"]?.text else { break }
      page = try await client.get(kind.path(), [("continue", token), ("owner", owner)])
    }
    return .object([("kind", .string(kind.rawValue)), ("revision", revision), ("items", .array(items))])
  }

  /// Shows objects and their changes. When the changes between were forgotten it begins anew.
  private func follow(
    _ kind: ObjectKind, _ name: String?, _ client: OperatorClient, _ console: OperatorConsole
  ) async throws {
    while true {
      var view = WatchView(output: output)
      var isOutdated = false
      try await client.lines(kind.path(name), [("watch", "true"), ("owner", owner)]) { line in
        isOutdated = line["type"]?.text == "compacted"
        guard !isOutdated else { return false }
        for text in try view.take(line, now: console.now()) { console.write(text) }
        return true
      }
      guard isOutdated else { throw OperatorError("the coordinator at \(client.address) ended the watch") }
    }
  }
}

/// What a watch shows: first the objects that are there, then a row for every change.
struct WatchView {
  let output: OutputFormat
  private var objects: [JSONValue] = []
  private var table: (columns: ObjectColumns, text: TextTable)?

  init(output: OutputFormat) { self.output = output }

  /// The lines to write for a line of the stream.
  mutating func take(_ line: JSONValue, now: Int64) throws -> [String] {
    if let text = try output.streamed(line) { return [text] }
    switch (line["type"]?.text, line["object"]) {
    case ("snapshot", let object?):
      objects.append(object)
      return []
    case ("snapshot", nil):
      let columns = ObjectColumns(objects, isWide: output == .wide)
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
