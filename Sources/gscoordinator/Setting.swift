import GraphScopeEngines

/// Everything that can be configured: its key in files, its environment variable, its default and what it means.
enum Setting: String, CaseIterable {
  case host
  case port
  case socket
  case adminPort = "admin_port"
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
  case tlsClientCertificates = "tls.client_certificates"
  case tlsMinimumVersion = "tls.minimum_version"
  case sessions = "limits.sessions"
  case shutdownGrace = "limits.shutdown_grace_seconds"
  case drain = "limits.drain_seconds"
  case messageBytes = "limits.message_bytes"
  case inFlightBytes = "limits.in_flight_bytes"
  case connections = "limits.connections"
  case streams = "limits.streams_per_connection"
  case compilers = "limits.compilers"
  case logBytes = "limits.log_bytes"
  case stateBytes = "limits.state_bytes"

  /// The name of the environment variable.
  var variable: String {
    "GSCOORDINATOR_" + rawValue.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }

  /// The value when nobody says otherwise; empty means chosen at start.
  var defaultText: String {
    switch self {
    case .host: "127.0.0.1"
    case .port: "63800"
    case .socket, .adminPort, .workspace, .threads, .clusterFile: ""
    case .state, .etcdEndpoints, .etcdUser, .etcdPasswordFile, .etcdAuthorityFile, .etcdCertificateFile, .etcdKeyFile,
      .advertise, .controlGroup, .accessFile, .accessTokenFile, .accessAnonymous, .tlsCertificateFile, .tlsKeyFile,
      .tlsClientAuthorityFile, .graphscopeHome, .graphscopePython, .graphscopeCache, .graphscopeNetwork, .hosts:
      ""
    case .graphscopeRemoteShell: HostReach.ssh.joined(separator: " ")
    case .accessAllowPlaintext: "false"
    case .tlsClientCertificates: "required"
    case .tlsMinimumVersion: "1.2"
    case .workers: "1"
    case .compilers: "2"
    case .warmEngines: "0"
    case .engineRestart: "never"
    case .stateSync: "normal"
    case .etcdPrefix: "gscoordinator/v1/"
    case .leaderLease: "10"
    case .logBytes: "1073741824"
    case .stateBytes: "2147483648"
    case .engine: "embedded"
    case .logLevel: "info"
    case .idleExit: "0"
    case .sessions: "10000"
    case .shutdownGrace: "8"
    case .drain: "30"
    case .messageBytes: "2147483647"
    case .inFlightBytes: "4294967296"
    case .connections: "10000"
    case .streams: "100000"
    }
  }

  /// What it means, in a line.
  var meaning: String {
    switch self {
    case .host: "address to listen on; only loopback is allowed while there is no access control"
    case .port: "TCP port of the gRPC endpoint; 0 chooses a free one"
    case .socket: "path of a Unix socket to listen on as well; empty for none"
    case .adminPort: "TCP port of the admin endpoint on loopback, 0 for a free one; empty for its Unix socket alone"
    case .accessFile: "file that says who is who: certificates, users, networks, listeners; empty for none"
    case .accessTokenFile: "file with the tokens that `gscoordinator token` makes; empty for none"
    case .accessAnonymous: "whoever is nobody else: refuse or tenant; empty for what access.file says, or refuse"
    case .accessAllowPlaintext: "whether tokens may be sent without TLS to addresses other than loopback"
    case .clusterFile: "file with hosts, tenants, quotas and what sessions ask for; empty for none"
    case .engine: "which engines sessions get: embedded, graphscope, or auto (graphscope's for more workers or memory)"
    case .warmEngines: "sets of GraphScope's engines, of one worker each, that are started ahead of sessions"
    case .engineRestart: "whether a session whose GraphScope engines died gets fresh ones: never, or on-failure"
    case .workers: "workers of a session's analytical engine; more than one need GraphScope's engines"
    case .graphscopeHome: "directory of GraphScope's engines (GRAPHSCOPE_HOME); empty to look for it"
    case .graphscopePython: "Python environment in which GraphScope's engines are installed; empty to look for it"
    case .graphscopeCache: "directory for compiled algorithms; empty for the user's cache directory"
    case .hosts: "hosts of GraphScope's engines, separated by commas, all like this one; empty for this one"
    case .graphscopeRemoteShell: "program that runs commands on other hosts, and its arguments"
    case .graphscopeNetwork: "network by which hosts speak, such as 10.1.2.0/24; empty for the one on the way to them"
    case .compilers: "algorithms that may be compiled at a time"
    case .workspace: "directory for state, logs and the sessions' files; empty for one of the port's own"
    case .threads: "threads that load graphs and run algorithms; empty for one per core"
    case .logLevel: "trace, debug, info, notice, warning, error or critical"
    case .idleExit: "seconds without any session after which the process ends; 0 for never"
    case .state: "where state is kept: sqlite, etcd, or memory for none; empty for sqlite unless on port 0"
    case .stateSync: "normal: state survives the process; full: also a crash of the machine"
    case .etcdEndpoints: "addresses of etcd, separated by commas: http://host:2379"
    case .etcdPrefix: "where the keys in etcd begin; coordinators of one prefix elect a leader"
    case .etcdUser: "user name for etcd; empty for none"
    case .etcdPasswordFile: "file with the password for etcd"
    case .etcdAuthorityFile:
      "file with the authorities that etcd's certificate is checked against; empty for the system's"
    case .etcdCertificateFile: "file with our certificate for etcd; empty for none"
    case .etcdKeyFile: "file with the key of our certificate for etcd"
    case .leaderLease: "seconds after which another coordinator takes over from a leader that is silent"
    case .advertise: "address that a standby tells clients of us; empty for host and port"
    case .controlGroup:
      "where child processes get cgroups: a directory of cgroup v2, or delegated; empty for rlimits"
    case .tlsCertificateFile: "file with the certificate of the TCP endpoints, then its chain; empty for no TLS"
    case .tlsKeyFile: "file with the key of that certificate"
    case .tlsClientAuthorityFile: "file with the authorities of clients' certificates; empty: none are asked for"
    case .tlsClientCertificates: "with those authorities: required, or optional"
    case .tlsMinimumVersion: "oldest version of TLS: 1.2 or 1.3"
    case .logBytes: "bytes of all kept logs; the oldest go first"
    case .stateBytes: "bytes that the state database may have"
    case .sessions: "sessions that may be open at a time"
    case .shutdownGrace: "seconds that running steps get to finish at shutdown"
    case .drain: "seconds that the step of a session that has to give way may go on before it is cut off"
    case .messageBytes: "largest message that is taken"
    case .inFlightBytes: "bytes of all messages that may be in memory on their way in"
    case .connections: "client connections that may be open at a time"
    case .streams: "calls that may be open on a connection at a time"
    }
  }
}

/// Where a value came from; a later one beats an earlier one.
enum Origin: Sendable, Equatable, CustomStringConvertible {
  case builtIn
  case file(String)
  case client
  case environment(String)
  case flag

  var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path): "file \(path)"
    case .client: "client's configuration"
    case .environment(let name): "environment \(name)"
    case .flag: "flag"
    }
  }
}
