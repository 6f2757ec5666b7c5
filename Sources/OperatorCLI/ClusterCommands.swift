import ArgumentParser
import JSON
import StateStore
import Support
import Wire

/// `gscoordinator reload`: makes a running coordinator read its cluster and access files again.
struct Reload: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts the cluster file of a running coordinator into force as it is now.",
    discussion: "The whole file is taken or, when anything in it is wrong, nothing of it.")

  @Flag(help: "Only tell what would change.") var dryRun = false
  @OptionGroup(title: "Which coordinator") var options: OperatorOptions

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
    abstract: "Gives a session of a running coordinator room for another number of workers.",
    discussion: """
      An embedded engine remains one worker: its algorithms run on more threads or fewer.

      Examples:
        gscoordinator scale session session_x --workers 4
        gscoordinator scale session_x --workers 4
      """)

  @Argument(help: ArgumentHelp("The session, as `get sessions` shows it.", valueName: "session"))
  var words: [String]
  @Option(help: "For how many workers it shall have room.") var workers: Int
  @OptionGroup(title: "Which coordinator") var options: OperatorOptions

  func validate() throws {
    _ = try ObjectWords(words, of: .session)
    guard (1...4096).contains(workers) else { throw ValidationError("--workers wants a number from 1 to 4096") }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let name = try ObjectWords(words, of: .session).name
    let answer = try await client.send("PATCH", ObjectKind.session.path(name), [("workers", "\(workers)")])
    console.write("\(name.harmless()) has \((answer["has"]?.text ?? "the size that was asked for").harmless()).")
  }
}
