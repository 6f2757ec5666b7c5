import ArgumentParser
import Wire

/// `gscoordinator reload`: has a running coordinator read its cluster file again.
struct Reload: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts the cluster file of a running coordinator into force as it is now.",
    discussion: "The whole file is taken or, when anything in it is wrong, nothing of it.")

  @Flag(help: "Only tell what would change.") var dryRun = false
  @OptionGroup var options: OperatorOptions

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let answer = try await client.send("POST", "/api/v1/reload", [("dry_run", dryRun ? "true" : nil)])
    let changes = answer["changes"]?.elements?.compactMap(\.text) ?? []
    guard !changes.isEmpty else { return console.write("Nothing changes.") }
    console.write(dryRun ? "This would change:" : "This has changed:")
    for change in changes { console.write("- " + change.harmless) }
  }
}

/// `gscoordinator scale`: gives a session more or fewer workers.
struct Scale: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Gives a session of a running coordinator another number of workers.")

  @Argument(help: "The session.") var session: String
  @Option(help: "How many workers it shall have.") var workers: Int
  @OptionGroup var options: OperatorOptions

  func validate() throws {
    guard (1...4096).contains(workers) else { throw ValidationError("--workers wants a number from 1 to 4096") }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let name = session.hasPrefix("session/") ? String(session.dropFirst("session/".count)) : session
    let path = "/api/v1/sessions/" + name.percentEncoded
    let answer = try await client.send("PATCH", path, [("workers", "\(workers)")])
    let hosts = answer["hosts"]?.elements?.compactMap(\.text) ?? []
    console.write(
      "\(name.harmless) has \(hosts.count) workers on \(Set(hosts).sorted().joined(separator: ", ").harmless).")
  }
}
