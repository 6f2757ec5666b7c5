import GraphScopeEngines

extension Setting {
  /// The setting's row in the table: its default, valid values, unit and meaning.
  public var row: SettingRow {
    switch self {
    case .host: .text("127.0.0.1", "address to listen on; without access control, only loopback is allowed")
    case .port: .number(63_800, 0...65535, "TCP port of the gRPC endpoint, 1 to 65535; 0 chooses a free one")
    case .socket: .text("", "path of an additional Unix socket to listen on; empty for none")
    case .adminPort:
      .number(
        nil, 0...65535, "TCP port of the admin endpoint on loopback, 0 for a free one; empty for only its Unix socket")
    case .clientVersions:
      .text("", "client releases to serve in addition to 0.29: 0.27, 0.28 or both; empty for none")
    case .accessFile:
      .text("", "file that identifies callers: certificates, users, networks, listeners; empty for none")
    case .accessTokenFile: .text("", "file with the tokens that `gscoordinator token` creates; empty for none")
    case .accessAnonymous:
      .word(
        "", ["refuse", "tenant"],
        "callers that nothing else identifies: refuse or tenant; empty for the choice in access.file, or refuse")
    case .accessAllowPlaintext: .flag(false, "whether tokens may be sent without TLS to addresses other than loopback")
    case .engine:
      .word(
        "embedded", ["embedded", "graphscope", "auto"],
        "engines of sessions: embedded, graphscope, or auto (GraphScope's for more workers or memory)")
    case .warmEngines:
      .number(
        0, 0...64, "sets of GraphScope's engines, with one worker each, to start before sessions request them; 0 to 64")
    case .engineRestart:
      .word(
        "never", ["never", "on-failure"],
        "whether a session whose GraphScope engines died gets new ones: never, or on-failure")
    case .clusterFile: .text("", "file with hosts, tenants, quotas and requests of sessions; empty for none")
    case .hosts: .text("", "hosts of GraphScope's engines, separated by commas, all like this one; empty for this one")
    case .workers:
      .number(1, 1...4096, "workers of a session's analytical engine; more than one requires GraphScope's engines")
    case .graphscopeHome: .text("", "directory of GraphScope's engines (GRAPHSCOPE_HOME); empty to search for it")
    case .graphscopePython:
      .text("", "Python environment in which GraphScope's engines are installed; empty to search for it")
    case .graphscopeCache: .text("", "directory for compiled algorithms; empty for the user's cache directory")
    case .graphscopeRemoteShell:
      .text(HostReach.ssh.joined(separator: " "), "program that runs commands on other hosts, and its arguments")
    case .graphscopeNetwork:
      .text("", "network through which hosts communicate, such as 10.1.2.0/24; empty for the one on the route to them")
    case .learningSeed:
      .number(
        nil, 0...1 << 62, "seed of the embedded learning engine's samples; empty for a random one for each instance")
    case .workspace: .text("", "directory for state, logs and the sessions' files; empty for a directory for the port")
    case .threads:
      .number(nil, 1...1024, "threads that load graphs and run algorithms, 1 to 1024; empty for one per core")
    case .logLevel:
      .word(
        "info", ["trace", "debug", "info", "notice", "warning", "error", "critical"],
        "minimum level of log lines: trace, debug, info, notice, warning, error or critical")
    case .idleExit:
      .number(0, 0...31_536_000, .seconds, "seconds without any session after which the coordinator exits; 0 for never")
    case .state:
      .word(
        "", ["sqlite", "etcd", "memory"],
        "state store: sqlite, etcd, or memory, which keeps nothing; empty for sqlite, or memory if the workspace is temporary"
      )
    case .stateSync:
      .word(
        "normal", ["normal", "full"], "normal: state survives the end of the process; full: also a crash of the machine"
      )
    case .etcdEndpoints: .text("", "addresses of etcd, separated by commas: http://host:2379")
    case .etcdPrefix:
      .text("gscoordinator/v1/", "prefix of the keys in etcd; coordinators with the same prefix elect a leader")
    case .etcdUser: .text("", "user name for etcd; empty for none")
    case .etcdPasswordFile: .text("", "file with the password for etcd")
    case .etcdAuthorityFile:
      .text("", "file with the trusted authorities for etcd's certificate; empty for the system's")
    case .etcdCertificateFile: .text("", "file with the coordinator's certificate for etcd; empty for none")
    case .etcdKeyFile: .text("", "file with the key of the certificate in etcd.certificate_file")
    case .leaderLease:
      .number(10, 3...3600, .seconds, "seconds after which another coordinator takes over from a silent leader")
    case .advertise: .text("", "address of this coordinator to which a standby refers clients; empty for host and port")
    case .controlGroup:
      .text("", "control groups for child processes: a cgroup v2 directory, or delegated; empty for rlimits")
    case .tlsCertificateFile:
      .text("", "file with the certificate of the TCP endpoints, then its chain; empty for no TLS")
    case .tlsKeyFile: .text("", "file with the key of that certificate")
    case .tlsClientAuthorityFile:
      .text("", "file with the authorities for client certificates; empty to request no certificates")
    case .tlsClientRevocationFile:
      .text("", "file with the revocation lists of those authorities; empty for none")
    case .tlsClientCertificates:
      .word(
        "required", ["required", "optional"], "whether clients must present such a certificate: required, or optional")
    case .tlsMinimumVersion: .word("1.2", ["1.2", "1.3"], "minimum TLS version: 1.2 or 1.3")
    case .sessions: .number(10_000, 1...10_000_000, "sessions that may be open at a time")
    case .shutdownGrace: .number(8, 0...3600, .seconds, "seconds that running steps get to finish at shutdown")
    case .drain:
      .number(
        30, 0...86_400, .seconds,
        "seconds that a running step of a preempted session may continue before it is interrupted")
    case .principalSessions:
      .number(nil, 1...10_000_000, "sessions that one principal may have open; empty for nine tenths of all")
    case .waitingSteps: .number(256, 1...100_000, "steps of a session that may wait")
    case .messageBytes: .number(2_147_483_647, 1024...2_147_483_647, .bytes, "largest message that is accepted")
    case .inFlightBytes:
      .number(
        nil, 1_048_576...1 << 50, .bytes,
        "bytes of incoming messages in memory at a time; empty for a quarter of the memory")
    case .heldBytes:
      .number(
        nil, 1_048_576...1 << 50, .bytes,
        "bytes of unread messages and headers of all clients; empty for a sixteenth of the memory")
    case .queuedBytes:
      .number(
        nil, 1_048_576...1 << 50, .bytes,
        "bytes of answers that wait for clients to read them; empty for an eighth of the memory")
    case .connections: .number(10_000, 1...1_000_000, "client connections that may be open at a time")
    case .peerConnections:
      .number(
        nil, 1...1_000_000, "client connections that one host or user may have open; empty for nine tenths of all")
    case .streams: .number(1_000, 1...1_000_000, "calls that may be open on a connection at a time")
    case .peerStreams:
      .number(10_000, 1...10_000_000, "calls that may be open on all connections of one host or user")
    case .headerSeconds:
      .number(10, 1...3600, .seconds, "seconds that the rest of a header list may take")
    case .requestSeconds:
      .number(
        30, 1...86_400, .seconds,
        "seconds within which the message of a call must begin; after that, it must arrive at 1 KiB per second")
    case .readerSeconds:
      .number(
        120, 1...86_400, .seconds, "seconds in which a client may read less than 1 KiB per second of a waiting answer")
    case .keepAlive:
      .number(
        300, 0...31_536_000, .seconds,
        "seconds without any bytes from a client after which it gets a PING; 0 for never")
    case .connectionAge:
      .number(
        0, 0...31_536_000, .seconds,
        "seconds after which a client must connect again, plus or minus a tenth; 0 for never")
    case .connectionAgeGrace:
      .number(300, 0...86_400, .seconds, "seconds that the calls of such a connection may continue")
    case .compilers: .number(2, 1...1024, "algorithms that may be compiled at a time")
    case .logBytes:
      .number(
        1 << 30, 1 << 20...1 << 50, .bytes,
        "bytes of all logs; beyond it, the tenant with the most bytes loses its oldest files")
    case .logFiles: .number(20_000, 100...10_000_000, "files of all logs; each session has at least one")
    case .auditBytes:
      .number(64 << 20, 1 << 16...1 << 50, .bytes, "bytes of each tenant's part of the audit trail")
    case .stateBytes: .number(2 << 30, 1 << 20...1 << 40, .bytes, "bytes of the state database")
    case .lostAndFoundDays:
      .number(7, 0...36_500, .days, "days to keep files that were set aside in the workspace's lost+found")
    case .lostAndFoundEntries: .number(1000, 0...1_000_000, "entries to keep in lost+found; the newest are kept")
    }
  }

  /// The default value; empty when it is determined at start.
  public var defaultText: String { row.defaultText }

  /// The meaning of the setting, in one line.
  public var meaning: String { row.meaning }
}

/// The properties of a setting.
public struct SettingRow: Sendable, Equatable {
  /// The valid values of a setting.
  public enum Values: Sendable, Equatable {
    /// Any text.
    case text
    /// `true` or `false`.
    case flag
    /// One of these words.
    case word([String])
    /// An integer in this range.
    case number(ClosedRange<Int>)
  }

  /// The unit of a number.
  public enum Unit: Sendable, Equatable {
    case none, seconds, days, bytes
  }

  /// The default value. If it is empty, the setting may be empty, and is then determined at start or has no value.
  public let defaultText: String
  /// The valid values.
  public let values: Values
  /// The unit of a number.
  public let unit: Unit
  /// The meaning of the setting, in one line.
  public let meaning: String

  private init(_ defaultText: String, _ values: Values, _ unit: Unit, _ meaning: String) {
    self.defaultText = defaultText
    self.values = values
    self.unit = unit
    self.meaning = meaning
  }

  static func text(_ defaultText: String, _ meaning: String) -> SettingRow {
    SettingRow(defaultText, .text, .none, meaning)
  }

  static func flag(_ isOn: Bool, _ meaning: String) -> SettingRow { SettingRow("\(isOn)", .flag, .none, meaning) }

  static func word(_ defaultText: String, _ words: [String], _ meaning: String) -> SettingRow {
    SettingRow(defaultText, .word(words), .none, meaning)
  }

  static func number(_ number: Int?, _ range: ClosedRange<Int>, _ unit: Unit, _ meaning: String) -> SettingRow {
    SettingRow(number.map { String($0) } ?? "", .number(range), unit, meaning)
  }

  static func number(_ number: Int?, _ range: ClosedRange<Int>, _ meaning: String) -> SettingRow {
    .number(number, range, .none, meaning)
  }

  /// Returns what a value must be if it is invalid; nil if it is valid.
  func demand(on text: String) -> String? {
    if text.isEmpty, defaultText.isEmpty { return nil }
    switch values {
    case .text: return nil
    case .flag: return ["true", "false", ""].contains(text) ? nil : "true or false"
    case .word(let words):
      return words.contains(text) ? nil : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    case .number(let range):
      if let number = Int(text), range.contains(number) { return nil }
      return "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
  }
}
