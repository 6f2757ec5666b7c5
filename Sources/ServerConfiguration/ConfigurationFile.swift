import Foundation
import Scheduling
import Support
import Yams

/// Reads configuration files and the object that the Python client passes on the command line. Both are YAML (JSON is a
/// subset); a file may contain keys of this server, sections of the client, or both.
enum ConfigurationFile {
  /// Largest file or object that is read, in bytes.
  private static let maximumBytes = 1 << 20

  /// Top-level keys of the Python client's configuration object.
  private static let clientSections: Set<String> = [
    "solution", "launcher_type", "show_log", "session", "coordinator", "vineyard", "hosts_launcher",
    "kubernetes_launcher", "operator_launcher",
  ]

  /// Keys of the client's object that correspond to settings of this server.
  private static let clientKeys: [String: Setting] = [
    "coordinator.service_port": .port,
    "log_level": .logLevel,
    "session.num_workers": .workers,
  ]

  /// Reads the values of a file into `settings`; returns remarks about ignored keys.
  static func read(path: String, into settings: inout Settings) throws -> [String] {
    let bytes: [UInt8]
    do { bytes = try SmallFile.read(path) } catch {
      throw ConfigurationError("cannot read the configuration file '\(path)': \(error.reason)")
    }
    return try read(Data(bytes), name: "'\(path)'", origin: .file(path), isLenient: false, into: &settings)
  }

  /// Reads the values of the client's base64 object into `settings`; returns remarks about ignored keys.
  static func read(base64 text: String, into settings: inout Settings) throws -> [String] {
    guard let data = Data(base64Encoded: text) else {
      throw ConfigurationError(
        "the value of --config is not base64. The Python client sets --config; "
          + "pass a file with --config-file")
    }
    return try read(data, name: "of --config", origin: .client, isLenient: true, into: &settings)
  }

  private static func read(
    _ data: Data, name: String, origin: Origin, isLenient: Bool, into settings: inout Settings
  ) throws -> [String] {
    guard data.count <= maximumBytes else {
      throw ConfigurationError("the configuration \(name) is larger than \(maximumBytes) bytes")
    }
    let object: Any?
    do { object = try Yams.load(yaml: String(decoding: data, as: UTF8.self)) } catch {
      throw ConfigurationError("the configuration \(name) is not YAML or JSON: \(error)")
    }
    guard let object else { return [] }
    guard let sections = object as? [String: Any] else {
      throw ConfigurationError("the configuration \(name) must be a mapping of keys to values")
    }
    try takeHosts(sections, &settings, origin)
    if sections["launcher_type"] as? String == "hosts", isLenient { exitWithClient(sections, &settings) }
    var remarks: [String] = []
    let isClients = isLenient || !clientSections.isDisjoint(with: sections.keys)
    for (key, value) in flatten(sections, prefix: "", depth: 0).sorted(by: { $0.key < $1.key }) {
      if key == "hosts_launcher.hosts" {
        continue
      } else if let setting = isClients ? clientKeys[key] : nil {
        guard !value.isEmpty else { continue }
        settings.set(setting, to: setting == .logLevel ? value.lowercased() : value, from: origin)
      } else if let setting = Setting(rawValue: key) {
        settings.set(setting, to: value, from: origin)
      } else if isLenient || clientSections.contains(String(key.prefix { $0 != "." })) {
        remarks.append("\(key) does not apply to this coordinator and is ignored")
      } else {
        let nearest = NearestName.of(key, among: Setting.allCases.map(\.rawValue)).map { " Did you mean '\($0)'?" }
        throw ConfigurationError(
          "unknown key '\(key)' in the configuration \(name).\(nearest ?? " `gscoordinator config` lists all keys.")")
      }
    }
    return remarks
  }

  /// Reads the client's list of hosts, unless it contains only this host.
  private static func takeHosts(_ sections: [String: Any], _ settings: inout Settings, _ origin: Origin) throws {
    guard let hosts = (sections["hosts_launcher"] as? [String: Any])?["hosts"] as? [Any], !hosts.isEmpty else { return }
    let names = HostList.names(hosts.map { "\($0)" }.joined(separator: ","))
    guard names != [ClusterPlan.ownHost] else { return }
    // A client that starts this coordinator connects to the first of them.
    let first = "\(hosts[0])".prefix { $0 != ":" }
    guard origin != .client || ["localhost", "127.0.0.1"].contains(first) else {
      throw ConfigurationError(
        "the client will connect to '\(first)', the first of hosts_launcher.hosts, but the coordinator listens on "
          + "loopback. List this machine as localhost, or start the coordinator separately and pass its address to the "
          + "client (addr)")
    }
    settings.set(.hosts, to: names.joined(separator: ","), from: origin)
  }

  /// Sets the idle time. A client that starts a coordinator also stops it. If the client dies instead, the coordinator must
  /// exit by itself when the client's session has expired.
  private static func exitWithClient(_ sections: [String: Any], _ settings: inout Settings) {
    let session = sections["session"] as? [String: Any]
    guard let seconds = session?["dangling_timeout_seconds"] as? Int, seconds > 0 else { return }
    settings.set(.idleExit, to: "\(seconds)", from: .client)
  }

  /// Flattens a nested object: keys joined by dots, values as text, null as empty text.
  private static func flatten(_ object: [String: Any], prefix: String, depth: Int) -> [(key: String, value: String)] {
    object.flatMap { key, value -> [(key: String, value: String)] in
      if let inner = value as? [String: Any], depth < 8 {
        return flatten(inner, prefix: prefix + key + ".", depth: depth + 1)
      }
      return [(prefix + key, value is NSNull ? "" : "\(value)")]
    }
  }
}
