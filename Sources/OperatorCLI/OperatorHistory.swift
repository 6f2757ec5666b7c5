import ArgumentParser
import JSON
import Wire

/// `gscoordinator history`: shows transactions and their authors.
struct OperatorHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Shows the transactions of the state store: who did what, in order.")

  @Option(help: "Only transactions after this revision. Default: the newest ones.") var after: Int64?
  @Option(help: "At most this many transactions; 1 to 1000.") var limit = 100
  @Option(name: .shortAndLong, help: "The output format; wide is the same as table.") var output = OutputFormat.table
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws {
    if let after, after < 0 { throw ValidationError("--after is \(after), but must be a revision, 0 or more") }
    guard (1...1000).contains(limit) else {
      throw ValidationError("--limit is \(limit), but must be a whole number from 1 to 1000")
    }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let list = try await client.get(
      "/control/v1/history", [("after", after.map { String($0) }), ("limit", String(limit))])
    if let document = try output.document(list) { return console.write(document) }
    let records = list["items"]?.elements ?? []
    guard !records.isEmpty else { return console.write("No transactions found.") }
    var table = TextTable(["REVISION", "TIME", "AUTHOR", "SUMMARY", "CHANGES"])
    for line in table.lines(records.map(Self.row)) { console.write(line) }
  }

  private static func row(_ record: JSONValue) -> [String] {
    let changes = (record["changes"]?.elements ?? []).map { change in
      (change["type"]?.text == "delete" ? "-" : "+") + (change["key"]?.text ?? "")
    }
    return [
      record["revision"]?.cell(key: "") ?? "", OperatorTime.text(record["timeMilliseconds"]?.number),
      record["author"]?.text ?? "", record["summary"]?.text ?? "", changes.joined(separator: " "),
    ]
  }
}
