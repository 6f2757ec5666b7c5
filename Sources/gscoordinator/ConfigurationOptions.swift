import ArgumentParser
import Foundation

/// The options that set the configuration, shared by all commands.
struct ConfigurationOptions: ParsableArguments {
  @Option(help: "Address to listen on.") var host: String?
  @Option(help: "TCP port of the gRPC endpoint; 0 chooses a free one.") var port: String?
  @Option(help: "Path of a Unix socket to listen on as well.") var socket: String?
  @Option(help: "Which engines sessions get.") var engine: String?
  @Option(help: "Sets of GraphScope's engines that are started ahead of sessions.") var enginesWarm: String?
  @Option(help: "File with hosts, tenants, quotas and what sessions ask for.") var clusterFile: String?
  @Option(help: "Directory for the sessions' files.") var workspace: String?
  @Option(help: "Threads that load graphs and run algorithms.") var threads: String?
  @Option(help: "Least level of log lines that are written.") var logLevel: String?
  @Option(help: "The Python client's configuration object, in base64.") var config: String?
  @Option(help: "A configuration file, YAML or JSON.") var configFile: String?
  @Option(name: .customLong("set"), help: "Any other setting, as key=value.") var assignments: [String] = []

  /// The effective configuration, and remarks about keys that were passed over.
  func resolve(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> (settings: Settings, remarks: [String]) {
    var settings = Settings()
    var remarks: [String] = []
    if let configFile { remarks += try ConfigurationFile.read(path: configFile, into: &settings) }
    if let config { remarks += try ConfigurationFile.read(base64: config, into: &settings) }
    settings.take(environment: environment)
    let flags: [(Setting, String?)] = [
      (.host, host), (.port, port), (.socket, socket), (.engine, engine),
      (.warmEngines, enginesWarm), (.clusterFile, clusterFile), (.workspace, workspace),
      (.threads, threads), (.logLevel, logLevel),
    ]
    for (setting, text) in flags {
      if let text { settings.set(setting, to: text, from: .flag) }
    }
    for assignment in assignments { try assign(assignment, in: &settings) }
    return (settings, remarks)
  }

  private func assign(_ assignment: String, in settings: inout Settings) throws {
    guard let equals = assignment.firstIndex(of: "="), let setting = Setting(rawValue: String(assignment[..<equals]))
    else {
      throw ConfigurationError(
        "--set wants key=value with a key of `gscoordinator config`, but was given '\(assignment)'")
    }
    settings.set(setting, to: String(assignment[assignment.index(after: equals)...]), from: .flag)
  }
}

/// `gscoordinator config`: prints the effective configuration.
struct ShowConfiguration: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Prints the effective configuration and where each value came from.")

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let (settings, remarks) = try options.resolve()
    print(settings.table)
    for remark in remarks { print("# \(remark)") }
  }
}
