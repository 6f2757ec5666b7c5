import ArgumentParser
import Wire

/// `gscoordinator diff`: what changed between two revisions.
struct OperatorDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Shows what is different between two revisions, and who changed it.")

  @Argument(help: "The earlier revision.") var from: Int64
  @Argument(help: "The later revision. Default: now.") var to: Int64?
  @Option(help: "Only keys that begin with this, for example sessions/.") var prefix: String?
  @Option(name: .shortAndLong, help: "table, json or yaml.") var output = OutputFormat.table
  @OptionGroup var options: OperatorOptions

  func validate() throws {
    guard from >= 0, to ?? from >= from else {
      throw ValidationError("diff wants revisions, whole numbers from 0, the earlier one first")
    }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let difference = try await client.get(
      "/api/v1/diff", [("from", String(from)), ("to", to.map { String($0) }), ("prefix", prefix)])
    if let document = try output.document(difference) { return console.write(document) }
    for line in DiffText(difference).lines { console.write(line) }
  }
}

/// The text of `diff`: a line for every object, and below it the members that changed.
struct DiffText {
  private(set) var lines: [String] = []

  /// Longest value that is shown whole.
  private static let maximumValue = 120

  init(_ difference: JSONValue) {
    let items = difference["items"]?.elements ?? []
    let range = ["from", "to"].map { difference[$0]?.cell(key: "") ?? "?" }.joined(separator: " and ")
    lines.append(items.isEmpty ? "Nothing changed between revisions \(range)." : "Between revisions \(range):")
    for item in items {
      let sign = ["added": "+", "removed": "-"][item["type"]?.text] ?? "~"
      lines.append("\(sign) \(item["key"]?.text ?? "")".harmless)
      if let before = item["before"], let after = item["after"] { compare(before, after, path: "") }
      for transaction in item["by"]?.elements ?? [] { lines.append(Self.line(transaction)) }
    }
    if let omitted = difference["omitted"]?.number, omitted > 0 {
      lines.append("… and \(omitted) more; choose some with --prefix or a smaller range.")
    }
  }

  private static func line(_ transaction: JSONValue) -> String {
    let (author, summary) = (transaction["author"]?.text ?? "?", transaction["summary"]?.text ?? "")
    let time = OperatorTime.text(transaction["timeMilliseconds"]?.number)
    return "    by \(author): \(summary) (revision \(transaction["revision"]?.cell(key: "") ?? "?"), \(time))".harmless
  }

  /// Adds a line for every member that is different; lists are compared element by element when they are of one length.
  private mutating func compare(_ before: JSONValue, _ after: JSONValue, path: String) {
    guard before != after, path != "revision" else { return }
    if let old = before.members, let new = after.members {
      let added = new.map(\.key).filter { key in !old.contains { $0.key == key } }
      for key in old.map(\.key) + added {
        let inner = path.isEmpty ? key : "\(path).\(key)"
        switch (before[key], after[key]) {
        case (let old?, let new?): compare(old, new, path: inner)
        case (let old, let new): add(inner, old, new)
        }
      }
    } else if let old = before.elements, let new = after.elements, old.count == new.count {
      for (index, (old, new)) in zip(old, new).enumerated() { compare(old, new, path: "\(path)[\(index)]") }
    } else {
      add(path, before, after)
    }
  }

  private mutating func add(_ path: String, _ before: JSONValue?, _ after: JSONValue?) {
    let values = [before, after].map { $0?.encoded.clipped(to: Self.maximumValue) ?? "nothing" }
    lines.append("    \(path): \(values[0]) → \(values[1])".harmless)
  }
}
