/// A problem with the configuration, and how to correct it.
public struct ConfigurationError: Error, CustomStringConvertible {
  /// What is wrong, why, and what to do.
  public let description: String

  /// Makes a problem with this description.
  public init(_ description: String) { self.description = description }
}

/// The effective configuration: flags override the environment, which overrides files, which override the defaults.
public struct Settings: Sendable {
  private var values: [Setting: (text: String, origin: Origin)] = [:]

  /// Makes the defaults.
  public init() {
    for setting in Setting.allCases { values[setting] = (setting.defaultText, .builtIn) }
  }

  /// Sets a value. Must be called in order of increasing precedence.
  public mutating func set(_ setting: Setting, to text: String, from origin: Origin) {
    values[setting] = (text, origin)
  }

  /// Sets the values of all environment variables that correspond to a setting.
  public mutating func take(environment: [String: String]) {
    for setting in Setting.allCases {
      if let text = environment[setting.variable] { set(setting, to: text, from: .environment(setting.variable)) }
    }
  }

  /// Returns the value as text.
  public func text(_ setting: Setting) -> String { values[setting]!.text }

  /// Returns where the value came from.
  public func origin(_ setting: Setting) -> Origin { values[setting]!.origin }

  /// Whether any value came from a client that started this coordinator.
  public var isClients: Bool { Setting.allCases.contains { origin($0) == .client } }

  /// Returns the value as text; nil when it is empty.
  public func optionalText(_ setting: Setting) -> String? { text(setting).isEmpty ? nil : text(setting) }

  /// Requires that all values are valid.
  /// - Throws: `ConfigurationError` that names the first invalid value.
  public func check() throws(ConfigurationError) {
    for setting in Setting.allCases { try check(setting) }
  }

  private func check(_ setting: Setting) throws(ConfigurationError) {
    guard let demand = setting.row.demand(on: text(setting)) else { return }
    throw ConfigurationError("\(setting.rawValue) is '\(text(setting))' (\(origin(setting))), but must be \(demand)")
  }

  /// Returns the value of a numeric setting.
  /// - Throws: `ConfigurationError` when it is not an integer in the range of the setting.
  public func integer(_ setting: Setting) throws(ConfigurationError) -> Int {
    try check(setting)
    guard let number = Int(text(setting)) else {
      throw ConfigurationError("\(setting.rawValue) is '\(text(setting))', which is not a number")
    }
    return number
  }

  /// Returns the value of a numeric setting; nil when it is empty.
  /// - Throws: `ConfigurationError` when it is not an integer in the range of the setting.
  public func optionalInteger(_ setting: Setting) throws(ConfigurationError) -> Int? {
    optionalText(setting) == nil ? nil : try integer(setting)
  }

  /// Returns the value of a setting in seconds or days.
  /// - Throws: `ConfigurationError` when it is not an integer in the range of the setting.
  public func duration(_ setting: Setting) throws(ConfigurationError) -> Duration {
    .seconds(try integer(setting) * (setting.row.unit == .days ? 86_400 : 1))
  }

  /// Returns the value of a setting that is one of a fixed set of words.
  /// - Throws: `ConfigurationError` when it is not one of them.
  public func choice<Choice: RawRepresentable<String>>(_ setting: Setting) throws(ConfigurationError) -> Choice {
    try check(setting)
    guard let choice = Choice(rawValue: text(setting)) else {
      throw ConfigurationError("\(setting.rawValue) is '\(text(setting))', which is not a known value")
    }
    return choice
  }

  /// Returns the value of a Boolean setting.
  /// - Throws: `ConfigurationError` when it is neither `true` nor `false`.
  public func flag(_ setting: Setting) throws(ConfigurationError) -> Bool {
    try check(setting)
    return text(setting) == "true"
  }

  /// All settings, one per line, with value, origin and meaning; the text is a valid configuration file.
  public var table: String {
    let keyWidth = Setting.allCases.map(\.rawValue.count).max()!
    let valueWidth = Setting.allCases.map { text($0).count }.max()!
    return Setting.allCases.map { setting in
      let key = setting.rawValue + ":" + String(repeating: " ", count: keyWidth - setting.rawValue.count)
      let value = text(setting) + String(repeating: " ", count: valueWidth - text(setting).count)
      return "\(key) \(value)  # \(origin(setting)); \(setting.meaning)"
    }.joined(separator: "\n")
  }
}
