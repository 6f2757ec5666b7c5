/// All settings. The raw values are the keys in configuration files; `row` describes each setting.
public enum Setting: String, CaseIterable, Sendable {
  case host
  case port
  case socket
  case adminPort = "admin_port"
  case clientVersions = "clients.versions"
  case accessFile = "access.file"
  case accessTokenFile = "access.token_file"
  case accessAnonymous = "access.anonymous"
  case accessAllowPlaintext = "access.allow_plaintext"
  case engine
  case warmEngines = "engines.warm"
  case engineRestart = "engines.restart"
  case clusterFile = "cluster_file"
  case hosts
  case workers
  case graphscopeHome = "graphscope.home"
  case graphscopePython = "graphscope.python"
  case graphscopeCache = "graphscope.cache"
  case graphscopeRemoteShell = "graphscope.remote_shell"
  case graphscopeNetwork = "graphscope.network"
  case learningSeed = "learning.seed"
  case workspace
  case threads
  case logLevel = "log_level"
  case idleExit = "idle_exit_seconds"
  case state
  case stateSync = "state_sync"
  case etcdEndpoints = "etcd.endpoints"
  case etcdPrefix = "etcd.prefix"
  case etcdUser = "etcd.user"
  case etcdPasswordFile = "etcd.password_file"
  case etcdAuthorityFile = "etcd.ca_file"
  case etcdCertificateFile = "etcd.certificate_file"
  case etcdKeyFile = "etcd.key_file"
  case leaderLease = "leader_lease_seconds"
  case advertise
  case controlGroup = "cgroup"
  case tlsCertificateFile = "tls.certificate_file"
  case tlsKeyFile = "tls.key_file"
  case tlsClientAuthorityFile = "tls.client_ca_file"
  case tlsClientRevocationFile = "tls.client_crl_file"
  case tlsClientCertificates = "tls.client_certificates"
  case tlsMinimumVersion = "tls.minimum_version"
  case sessions = "limits.sessions"
  case shutdownGrace = "limits.shutdown_grace_seconds"
  case drain = "limits.drain_seconds"
  case principalSessions = "limits.sessions_per_principal"
  case waitingSteps = "limits.waiting_steps"
  case messageBytes = "limits.message_bytes"
  case inFlightBytes = "limits.in_flight_bytes"
  case connections = "limits.connections"
  case peerConnections = "limits.connections_per_peer"
  case streams = "limits.streams_per_connection"
  case peerStreams = "limits.streams_per_peer"
  case headerSeconds = "limits.header_seconds"
  case requestSeconds = "limits.request_seconds"
  case readerSeconds = "limits.reader_seconds"
  case heldBytes = "limits.held_bytes"
  case queuedBytes = "limits.queued_bytes"
  case keepAlive = "limits.keep_alive_seconds"
  case connectionAge = "limits.connection_age_seconds"
  case connectionAgeGrace = "limits.connection_age_grace_seconds"
  case compilers = "limits.compilers"
  case logBytes = "limits.log_bytes"
  case logFiles = "limits.log_files"
  case auditBytes = "limits.audit_bytes"
  case stateBytes = "limits.state_bytes"
  case lostAndFoundDays = "limits.lost_found_days"
  case lostAndFoundEntries = "limits.lost_found_entries"

  /// The name of the environment variable.
  public var variable: String {
    "GSCOORDINATOR_" + rawValue.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }
}

/// Where a value came from, in order of increasing precedence.
public enum Origin: Sendable, Equatable, CustomStringConvertible {
  /// The defaults in the table of settings.
  case builtIn
  /// The configuration file with this path.
  case file(String)
  /// The configuration object of a client that starts the coordinator.
  case client
  /// The environment variable with this name.
  case environment(String)
  /// The command line.
  case flag

  /// The origin for messages, where it follows a value in parentheses.
  public var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path): "file \(path)"
    case .client: "client's configuration"
    case .environment(let name): "environment \(name)"
    case .flag: "flag"
    }
  }
}
