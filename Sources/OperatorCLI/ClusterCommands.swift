import ArgumentParser
import JSON
import Objects
import StateStore
import Support
import Wire

/// `gscoordinator reload`: makes a running coordinator read its cluster and access files again.
struct Reload: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reloads the cluster file and the access file of a running coordinator.",
    discussion: "If either file contains an error, nothing changes.")

  @Flag(help: "Show what would change, without changing it.") var dryRun = false
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let answer = try await client.send("POST", "/control/v1/reload", [("dry_run", dryRun ? "true" : nil)])
    let changes = answer["changes"]?.elements?.compactMap(\.text) ?? []
    guard !changes.isEmpty else { return console.write("Nothing changes.") }
    console.write(dryRun ? "This would change:" : "This has changed:")
    for change in changes { console.write("- " + change.harmless()) }
  }
}

/// `gscoordinator scale`: changes the number of workers that a session has room for.
struct Scale: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Changes the number of workers that a session of a running coordinator has room for.",
    discussion: """
      An embedded engine remains one worker; the number determines how many threads its algorithms use.

      Examples:
        gscoordinator scale session session_x --workers 4
        gscoordinator scale session_x --workers 4
      """)

  @Argument(help: ArgumentHelp("The session, as `get sessions` shows it.", valueName: "session"))
  var words: [String]
  @Option(help: "The number of workers, from 1 to 4096.") var workers: Int
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws {
    _ = try ObjectWords(words, of: .session)
    guard (1...4096).contains(workers) else {
      throw ValidationError("--workers is \(workers), but must be a whole number from 1 to 4096")
    }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let name = try ObjectWords(words, of: .session).name
    let answer = try await client.send("PATCH", ObjectKind.session.path(name), [("workers", "\(workers)")])
    console.write("\(name.harmless()) has \((answer["has"]?.text ?? "the requested size").harmless()).")
  }
}
