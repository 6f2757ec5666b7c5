import ArgumentParser
import ServerConfiguration

/// `gscoordinator config`: prints the effective configuration.
struct ShowConfiguration: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Prints every setting: its value, where that came from, and what it means.",
    discussion: "It takes the options of the server, and tells what that would run with.")

  @OptionGroup(title: "Options of the server") var options: ConfigurationOptions

  func run() async throws {
    let (settings, remarks) = try options.resolve()
    print(settings.table)
    for remark in remarks { print("# \(remark)") }
  }
}
