import ArgumentParser
import CPlatform
import GraphServer
import OperatorCLI
import ServerConfiguration

/// The command line.
@main
struct GSCoordinator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gscoordinator",
    abstract: "Coordinates graph analytics, queries and learning for GraphScope clients.",
    discussion: "Without a subcommand, it serves clients; `gscoordinator serve --help` shows the options.",
    version: "\(serverVersion) (for graphscope-client \(clientVersion))",
    subcommands: [Serve.self, GraphServerCommand.self] + OperatorCommands.single,
    groupedSubcommands: OperatorCommands.groups,
    defaultSubcommand: Serve.self)

  /// Blocks termination signals first, so that none is lost while a server starts; only a server reads them, other commands are
  /// ended by them. Malloc must be tuned before the first thread starts, and therefore before any asynchronous code. Blocks of
  /// 1 MiB or more are mapped from the kernel and returned at once, so that an idle server stays small after large messages.
  static func main() async {
    platform_hold_terminations()
    platform_tune_malloc(2, 1 << 20, 1 << 20)
    platform_line_buffer_output()
    do {
      var command = try parseAsRoot(arguments)
      if !(command is Serve) { platform_release_terminations() }
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      exit(withError: error)
    }
  }

  /// The command-line arguments after the program's name. Swift's own list is read from `/proc` and is silently empty if that
  /// cannot be read, for example because of a preloaded library.
  private static var arguments: [String] {
    (1..<max(1, platform_argument_count())).compactMap { platform_argument(Int32($0)).map { String(cString: $0) } }
  }
}
