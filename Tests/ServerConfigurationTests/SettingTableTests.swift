import Coordinator
import Foundation
import Testing
import Yams

@testable import ServerConfiguration

@Suite("The table of settings and other lists of them")
struct SettingTableTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
  }

  @Test("Every default is a valid value", arguments: Setting.allCases)
  func defaults(_ setting: Setting) throws {
    #expect(setting.row.demand(on: setting.defaultText) == nil)
    #expect(!setting.meaning.isEmpty && !setting.meaning.hasSuffix("."))
    try Settings().check()
  }

  @Test("Numbers are valid at both ends of their range, but not beyond", arguments: Setting.allCases)
  func ranges(_ setting: Setting) {
    guard case .number(let range) = setting.row.values else { return }
    for number in [range.lowerBound, range.upperBound] { #expect(setting.row.demand(on: "\(number)") == nil) }
    for text in ["\(range.lowerBound - 1)", "\(range.upperBound + 1)", "x", "1.5", " 1"] {
      #expect(setting.row.demand(on: text) != nil, "\(setting) \(text)")
    }
  }

  @Test("A setting with words accepts only these", arguments: Setting.allCases)
  func words(_ setting: Setting) throws {
    guard case .word(let words) = setting.row.values else { return }
    for word in words { #expect(setting.row.demand(on: word) == nil) }
    var settings = Settings()
    settings.set(setting, to: "perhaps", from: .flag)
    let error = #expect(throws: ConfigurationError.self) { try settings.check() }
    #expect(error?.description.contains("\(setting.rawValue) is 'perhaps' (flag), but must be \(words[0])") == true)
  }

  @Test("The configuration rejects invalid values even if they would not be used")
  func configuration() throws {
    var settings = Settings()
    #expect(try Configuration(settings).limits.drain == .seconds(30))
    settings.set(.lostAndFoundDays, to: "2", from: .flag)
    #expect(try Configuration(settings).limits.lostAndFoundAge == .seconds(172_800))
    settings.set(.leaderLease, to: "2", from: .environment("GSCOORDINATOR_LEADER_LEASE_SECONDS"))
    let error = #expect(throws: ConfigurationError.self) { try Configuration(settings) }
    #expect(error?.description.contains("whole number from 3 to 3600") == true)
    #expect(error?.description.contains("GSCOORDINATOR_LEADER_LEASE_SECONDS") == true)
  }

  /// Returns the keys of the example, each with its value; nil if it is commented out.
  private func example() throws -> [(key: String, value: String?)] {
    var found: [(key: String, value: String?)] = []
    var section = ""
    for line in try text("config/gscoordinator.example.yaml").split(separator: "\n") {
      guard let match = line.wholeMatch(of: /(# )?( *)(# )?([a-z_]+):( .*)?/) else { continue }
      let isIndented = !match.2.isEmpty
      if !isIndented, match.5 == nil { section = String(match.4) }
      let key = isIndented ? "\(section).\(match.4)" : String(match.4)
      guard match.5 != nil, Setting(rawValue: key) != nil else { continue }
      let isComment = match.1 != nil || match.3 != nil
      let value = match.5!.drop { $0 == " " }.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
      found.append((key, isComment ? nil : value))
    }
    return found
  }

  @Test("The annotated example has every setting once, and shows its default")
  func annotatedExample() throws {
    let example = try example()
    #expect(example.map(\.key).sorted() == Setting.allCases.map(\.rawValue).sorted())
    for (key, value) in example {
      let setting = try #require(Setting(rawValue: key))
      #expect(value ?? "" == setting.defaultText, "\(key)")
    }
  }

  @Test("docs/limits.md contains every limit with its default, and no unknown ones")
  func documentedLimits() throws {
    let rows = try text("docs/limits.md").split(separator: "\n").filter { $0.hasPrefix("|") }
    for setting in Setting.allCases where setting.rawValue.hasPrefix("limits.") {
      let own = rows.filter { $0.contains("`\(setting.rawValue)`") }
      #expect(!own.isEmpty, "docs/limits.md does not tell of \(setting.rawValue)")
      guard let words = setting.row.defaultWords, !own.isEmpty else { continue }
      #expect(own.contains { $0.contains(words) }, "docs/limits.md: the default of \(setting.rawValue) is \(words)")
    }
    for row in rows {
      for match in row.matches(of: /`(limits\.[a-z_]+)`/) {
        #expect(Setting(rawValue: String(match.1)) != nil, "docs/limits.md: there is no \(match.1)")
      }
    }
  }

  @Test("docs/hardening.md names tests that exist, and some of every limit")
  func documentedTests() throws {
    let document = try text("docs/hardening.md")
    let folder = Self.root.appending(path: "Tests")
    let names = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }
    for match in document.matches(of: /`(\w+\.(?:swift|py)): (\w+)`/) {
      let tests = try names.filter { $0.hasSuffix("/\(match.1)") }.map { try text("Tests/\($0)") }
      #expect(tests.contains { $0.contains(" \(match.2)(") }, "docs/hardening.md: \(match.1) has no \(match.2)")
    }
    for setting in Setting.allCases where setting.rawValue.hasPrefix("limits.") {
      #expect(document.contains("`\(setting.rawValue)`"), "docs/hardening.md does not tell of \(setting.rawValue)")
    }
  }

  @Test("`config` prints every setting with its value, origin and meaning, as a valid configuration file")
  func printed() throws {
    let printed = Settings().table
    let values = try #require(try Yams.load(yaml: printed) as? [String: Any])
    #expect(Set(values.keys) == Set(Setting.allCases.map(\.rawValue)))
    for setting in Setting.allCases { #expect(printed.contains("# default; \(setting.meaning)")) }
  }
}

extension SettingRow {
  /// The default as a number with its unit, as written in documents; nil if it is not a number.
  fileprivate var defaultWords: String? {
    guard let number = Int(defaultText) else { return nil }
    switch unit {
    case .seconds: return "\(number) s"
    case .days: return "\(number) days"
    case .none: return number.formatted(.number.locale(Locale(identifier: "en_US")))
    case .bytes:
      for (size, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if number.isMultiple(of: size) { return "\(number / size) \(name)" }
        if (number + 1).isMultiple(of: size) { return "\((number + 1) / size) \(name) − 1" }
      }
      return "\(number) bytes"
    }
  }
}
