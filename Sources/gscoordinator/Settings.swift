/// A problem with the configuration, said so that it can be corrected.
struct ConfigurationError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The effective configuration: flags beat the environment, which beats files, which beat the defaults.
struct Settings {
  private var values: [Setting: (text: String, origin: Origin)] = [:]

  init() {
    for setting in Setting.allCases { values[setting] = (setting.defaultText, .builtIn) }
  }

  /// Sets a value; call in order of rising precedence.
  mutating func set(_ setting: Setting, to text: String, from origin: Origin) { values[setting] = (text, origin) }

  /// Takes the values of all environment variables that name a setting.
  mutating func take(environment: [String: String]) {
    for setting in Setting.allCases {
      if let text = environment[setting.variable] { set(setting, to: text, from: .environment(setting.variable)) }
    }
  }

  /// The value as text.
  func text(_ setting: Setting) -> String { values[setting]!.text }

  /// Where the value came from.
  func origin(_ setting: Setting) -> Origin { values[setting]!.origin }

  /// The value as text, or nil when it is empty.
  func optionalText(_ setting: Setting) -> String? { text(setting).isEmpty ? nil : text(setting) }

  /// The value as a whole number within `range`.
  func integer(_ setting: Setting, in range: ClosedRange<Int>) throws -> Int {
    guard let value = Int(text(setting)), range.contains(value) else {
      throw ConfigurationError(
        "\(setting.rawValue) is '\(text(setting))' (\(origin(setting))), "
          + "but must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// The value as one of a few words.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(_ setting: Setting) throws -> Choice {
    guard let choice = Choice(rawValue: text(setting)) else {
      throw ConfigurationError(
        "\(setting.rawValue) is '\(text(setting))' (\(origin(setting))), but must be one of "
          + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// One line per setting: key, value, origin, meaning; a configuration file as it stands.
  var table: String {
    let keyWidth = Setting.allCases.map(\.rawValue.count).max()!
    let valueWidth = Setting.allCases.map { text($0).count }.max()!
    return Setting.allCases.map { setting in
      let key = setting.rawValue + ":" + String(repeating: " ", count: keyWidth - setting.rawValue.count)
      let value = text(setting) + String(repeating: " ", count: valueWidth - text(setting).count)
      return "\(key) \(value)  # \(origin(setting)); \(setting.meaning)"
    }.joined(separator: "\n")
  }
}
