import ArgumentParser
import ServerConfiguration

/// `gscoordinator config`: prints the effective configuration.
struct ShowConfiguration: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Prints all settings with their values, the origin of each value, and their meaning.",
    discussion: "It accepts the options of the server, and prints the configuration of a server started with them.")

  @OptionGroup(title: "Server options") var options: ConfigurationOptions

  func run() async throws {
    let (settings, remarks) = try options.resolve()
    print(settings.table)
    for remark in remarks { print("# \(remark)") }
  }
}
