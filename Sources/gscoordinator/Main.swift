import ArgumentParser
import CPlatform

/// The command line.
@main
struct GSCoordinator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gscoordinator",
    abstract: "Coordinates graph analytics, queries and learning for GraphScope clients.",
    version: "\(serverVersion) (speaks to graphscope-client \(clientVersion))",
    subcommands: [
      Serve.self, ShowConfiguration.self, OperatorGet.self, OperatorDescribe.self, OperatorEvents.self,
      OperatorHistory.self, OperatorDiff.self, Reload.self, Scale.self, Logs.self, StateCommand.self,
      TokenCommand.self, DoctorCommand.self,
    ], defaultSubcommand: Serve.self)

  /// Malloc must be tuned before the first thread starts, hence before anything asynchronous. Blocks of 1 MiB or more
  /// come from the kernel and go back at once: an idle server stays small after large messages.
  static func main() async {
    platform_tune_malloc(2, 1 << 20, 1 << 20)
    platform_line_buffer_output()
    await main(nil)
  }
}

/// This server's own version.
let serverVersion = "0.1.0"

/// The version of the Python client whose protocol this server speaks.
let clientVersion = "0.29.0"
