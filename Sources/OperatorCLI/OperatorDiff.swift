import ArgumentParser
import JSON
import Support
import Wire

/// `gscoordinator diff`: shows the differences between two revisions.
struct OperatorDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Shows the differences between two revisions, and who made each change.")

  @Argument(help: "The earlier revision.") var from: Int64
  @Argument(help: "The later revision. Default: now.") var to: Int64?
  @Option(help: "Only keys with this prefix, for example sessions/.") var prefix: String?
  @Option(name: .shortAndLong, help: "The output format; wide is the same as table.") var output = OutputFormat.table
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws {
    guard from >= 0, to ?? from >= from else {
      throw ValidationError("diff takes two revisions, 0 or more, the earlier one first")
    }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let difference = try await client.get(
      "/control/v1/diff", [("from", String(from)), ("to", to.map { String($0) }), ("prefix", prefix)])
    if let document = try output.document(difference) { return console.write(document) }
    for line in DiffText(difference).lines { console.write(line) }
  }
}

/// The text of `diff`: a line for each key, followed by the differences in its value and the last transactions that changed it.
struct DiffText {
  private(set) var lines: [String] = []

  /// The maximum number of transactions to show for a key.
  private static let transactionsPerKey = 5

  init(_ difference: JSONValue) {
    let items = difference["items"]?.elements ?? []
    let range = ["from", "to"].map { difference[$0]?.cell(key: "") ?? "?" }.joined(separator: " and ")
    lines.append(items.isEmpty ? "Nothing changed between revisions \(range)." : "Between revisions \(range):")
    let transactions = Self.byKey(difference["transactions"]?.elements ?? [])
    for item in items {
      let key = item["key"]?.text ?? ""
      lines.append("\(["added": "+", "removed": "-"][item["type"]?.text] ?? "~") \(key)".harmless())
      for place in item["differences"]?.elements ?? [] { lines.append(Self.line(place)) }
      if item["isCut"] == .bool(true) { lines.append("    … and more") }
      for transaction in (transactions[Array(key.utf8)] ?? []).suffix(Self.transactionsPerKey) {
        lines.append(Self.line(transaction: transaction))
      }
    }
    if difference["isCut"] == .bool(true) {
      lines.append("… and more: select some with --prefix or a smaller range of revisions.")
    }
  }

  /// Groups transactions by the bytes of their keys, because Swift compares strings by canonical equivalence.
  private static func byKey(_ transactions: [JSONValue]) -> [[UInt8]: [JSONValue]] {
    var found: [[UInt8]: [JSONValue]] = [:]
    for transaction in transactions {
      for change in transaction["changes"]?.elements ?? [] {
        found[Array((change["key"]?.text ?? "").utf8), default: []].append(transaction)
      }
    }
    return found
  }

  private static func line(_ place: JSONValue) -> String {
    let values = ["old", "new"].map { place[$0]?.text ?? "nothing" }
    let path = place["path"]?.text ?? ""
    return "    \(path.isEmpty ? "value" : path): \(values[0]) → \(values[1])".harmless()
  }

  private static func line(transaction: JSONValue) -> String {
    let (author, summary) = (transaction["author"]?.text ?? "?", transaction["summary"]?.text ?? "")
    let (revision, time) = (transaction["revision"]?.cell(key: "") ?? "?", transaction["timeMilliseconds"]?.number)
    return "    by \(author): \(summary) (revision \(revision), \(OperatorTime.text(time)))".harmless()
  }
}
