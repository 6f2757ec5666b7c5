import ArgumentParser
import Foundation

/// Command-line options that, with the environment, files and defaults, determine the configuration.
public protocol ConfigurationSource: ParsableArguments {
  /// The options for files and single settings.
  var source: ConfigurationBase { get }
  /// The Python client's configuration object, in base64; only the server accepts one.
  var config: String? { get }
  /// The settings that have their own flags, with the values given.
  var flags: [(setting: Setting, text: String?)] { get }
}

extension ConfigurationSource {
  /// No configuration object by default.
  public var config: String? { nil }
  /// No flags by default.
  public var flags: [(setting: Setting, text: String?)] { [] }

  /// Returns the effective configuration, and remarks about ignored keys.
  public func resolve(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> (settings: Settings, remarks: [String]) {
    var settings = Settings()
    var remarks: [String] = []
    if let path = source.configFile { remarks += try ConfigurationFile.read(path: path, into: &settings) }
    if let config { remarks += try ConfigurationFile.read(base64: config, into: &settings) }
    settings.take(environment: environment)
    for case (let setting, let text?) in flags { settings.set(setting, to: text, from: .flag) }
    for assignment in source.assignments { try settings.take(assignment: assignment) }
    return (settings, remarks)
  }
}

/// The options that every command with a configuration has: files and single settings.
public struct ConfigurationBase: ConfigurationSource {
  @Option(help: "A configuration file, YAML or JSON: see config/gscoordinator.example.yaml.") var configFile: String?
  @Option(
    name: .customLong("set"),
    help: "Any setting, as key=value; may be repeated. `gscoordinator config` lists all keys, their values and meaning."
  )
  var assignments: [String] = []

  /// These options themselves.
  public var source: ConfigurationBase { self }

  /// Makes options without values; ArgumentParser sets them.
  public init() {}
}

/// The options of the server, and of commands that show what it would do.
public struct ConfigurationOptions: ConfigurationSource {
  @Option(help: .setting(.host)) var host: String?
  @Option(help: .setting(.port)) var port: String?
  @Option(help: .setting(.socket)) var socket: String?
  @Option(help: .setting(.engine)) var engine: String?
  @Option(help: .setting(.warmEngines)) var enginesWarm: String?
  @Option(help: .setting(.clusterFile)) var clusterFile: String?
  @Option(help: .setting(.workspace)) var workspace: String?
  @Option(help: .setting(.threads)) var threads: String?
  @Option(help: .setting(.logLevel)) var logLevel: String?
  /// The Python client's configuration object, in base64.
  @Option(help: "The Python client's configuration object, in base64.") public var config: String?
  /// The options for files and single settings.
  @OptionGroup public var source: ConfigurationBase

  /// Makes options without values; ArgumentParser sets them.
  public init() {}

  /// The settings that have their own flags, with the values given.
  public var flags: [(setting: Setting, text: String?)] {
    [
      (.host, host), (.port, port), (.socket, socket), (.engine, engine), (.warmEngines, enginesWarm),
      (.clusterFile, clusterFile), (.workspace, workspace), (.threads, threads), (.logLevel, logLevel),
    ]
  }

  /// Returns the given options as text for a shell command.
  /// - Parameter left: settings to omit.
  public func commandLine(without left: [Setting]) -> String {
    var words: [String] = []
    for case (let setting, let text?) in flags where !left.contains(setting) { words += [setting.flag, text] }
    for case (let name, let text?) in [("--config", config), ("--config-file", source.configFile)] {
      words += [name, text]
    }
    for assignment in source.assignments where !left.contains(where: { assignment.hasPrefix($0.rawValue + "=") }) {
      words += ["--set", assignment]
    }
    return words.map(\.shellWord).joined(separator: " ")
  }
}

/// The options of commands that work on the files of a coordinator: they determine its workspace.
public struct WorkspaceOptions: ConfigurationSource {
  @Option(help: "The coordinator's workspace. Default: the one for its port.") var workspace: String?
  @Option(help: "The coordinator's port, which determines the default workspace. (default: 63800)")
  var port: String?
  /// The options for files and single settings.
  @OptionGroup public var source: ConfigurationBase

  /// Makes options without values; ArgumentParser sets them.
  public init() {}

  /// The settings that have their own flags: port and workspace.
  public var flags: [(setting: Setting, text: String?)] { [(.port, port), (.workspace, workspace)] }
}

extension Settings {
  /// Sets a value from `key=value`.
  fileprivate mutating func take(assignment: String) throws(ConfigurationError) {
    guard let equals = assignment.firstIndex(of: "="), let setting = Setting(rawValue: String(assignment[..<equals]))
    else {
      throw ConfigurationError(
        "--set is '\(assignment)', but must be key=value with a key that `gscoordinator config` lists")
    }
    set(setting, to: String(assignment[assignment.index(after: equals)...]), from: .flag)
  }
}

extension Setting {
  /// The flag of a setting that has one.
  fileprivate var flag: String { "--" + rawValue.replacing("_", with: "-").replacing(".", with: "-") }
}

extension ArgumentHelp {
  /// Help with the meaning of a setting and its default.
  fileprivate static func setting(_ setting: Setting) -> ArgumentHelp {
    let meaning = setting.meaning.prefix(1).uppercased() + setting.meaning.dropFirst() + "."
    return ArgumentHelp(setting.defaultText.isEmpty ? meaning : "\(meaning) (default: \(setting.defaultText))")
  }
}

extension String {
  /// The text as one word of a shell command, quoted if necessary.
  fileprivate var shellWord: String {
    let isPlain =
      !isEmpty
      && utf8.allSatisfy { byte in
        byte >= 0x80 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
          || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || "-_=./:,@%+".utf8.contains(byte)
      }
    return isPlain ? self : "'" + replacing("'", with: #"'\''"#) + "'"
  }
}
