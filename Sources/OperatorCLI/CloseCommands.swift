import ArgumentParser
import Objects
import StateStore
import Support
import Wire

/// `gscoordinator close`: closes a session.
struct CloseSession: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "close", abstract: "Closes a session of a running coordinator.",
    discussion: """
      Its running step ends, and its graphs and results are discarded. An operator may close any session, a user only its own.

      Examples:
        gscoordinator close session session_x
        gscoordinator close session_x
      """)

  @Argument(help: ArgumentHelp("The session, as `get sessions` shows it.", valueName: "session"))
  var words: [String]
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws { _ = try ObjectWords(words, of: .session) }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let session = try ObjectWords(words, of: .session).name
    _ = try await client.send("DELETE", ObjectKind.session.path(session))
    console.write("Session \(session.harmless()) is closed.")
  }
}

/// `gscoordinator cancel`: cancels a step.
struct CancelStep: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Cancels a running step; its session keeps its graphs and results.",
    discussion: """
      An operator may cancel any step, a user only those of its own sessions. The client that waits for the step gets an \
      error. GraphScope's own engines complete an algorithm that has started, and the session's next step waits for it: \
      close the session instead if that takes too long.

      Examples:
        gscoordinator get steps
        gscoordinator cancel step session_x/000000007
      """)

  @Argument(help: ArgumentHelp("The step, as `get steps` shows it.", valueName: "step"))
  var words: [String]
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws { _ = try ObjectWords(words, of: .step) }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let step = try ObjectWords(words, of: .step).name
    _ = try await client.send("DELETE", ObjectKind.step.path(step))
    console.write("Step \(step.harmless()) is cancelled.")
  }
}
