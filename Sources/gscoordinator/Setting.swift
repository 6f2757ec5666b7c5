/// Everything that can be configured: its key in files, its environment variable, its default and what it means.
enum Setting: String, CaseIterable {
  case host
  case port
  case socket
  case adminPort = "admin_port"
  case engine
  case workspace
  case threads
  case logLevel = "log_level"
  case idleExit = "idle_exit_seconds"
  case sessions = "limits.sessions"
  case shutdownGrace = "limits.shutdown_grace_seconds"
  case messageBytes = "limits.message_bytes"
  case inFlightBytes = "limits.in_flight_bytes"
  case connections = "limits.connections"
  case streams = "limits.streams_per_connection"

  /// The name of the environment variable.
  var variable: String {
    "GSCOORDINATOR_" + rawValue.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }

  /// The value when nobody says otherwise; empty means chosen at start.
  var defaultText: String {
    switch self {
    case .host: "127.0.0.1"
    case .port: "63800"
    case .socket, .adminPort, .workspace, .threads: ""
    case .engine: "embedded"
    case .logLevel: "info"
    case .idleExit: "0"
    case .sessions: "10000"
    case .shutdownGrace: "8"
    case .messageBytes: "2147483647"
    case .inFlightBytes: "4294967296"
    case .connections: "10000"
    case .streams: "100000"
    }
  }

  /// What it means, in a line.
  var meaning: String {
    switch self {
    case .host: "address to listen on; only loopback is allowed while there is no authentication"
    case .port: "TCP port of the gRPC endpoint; 0 chooses a free one"
    case .socket: "path of a Unix socket to listen on as well; empty for none"
    case .adminPort: "TCP port of the admin endpoint on loopback, 0 for a free one; empty for its Unix socket alone"
    case .engine: "which engines sessions get: embedded"
    case .workspace: "directory for the sessions' files; empty for a temporary one"
    case .threads: "threads that load graphs and run algorithms; empty for one per core"
    case .logLevel: "trace, debug, info, notice, warning, error or critical"
    case .idleExit: "seconds without any session after which the process ends; 0 for never"
    case .sessions: "sessions that may be open at a time"
    case .shutdownGrace: "seconds that running steps get to finish at shutdown"
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
