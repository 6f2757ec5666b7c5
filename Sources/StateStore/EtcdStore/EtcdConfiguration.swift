import HTTPClient

/// The connection to an etcd cluster and the location of the store's keys in it.
public struct EtcdConfiguration: Sendable {
  /// The client addresses of the members, `http://host:port` or `https://host:port`. One is enough; with several, the next one is
  /// used if one fails.
  public var endpoints: [String]
  /// The prefix of all keys, which allows several coordinators and other programs to share an etcd. A slash is appended if
  /// missing.
  public var prefix = "gscoordinator/v1/"
  /// The credentials to use if etcd's authentication is enabled.
  public var credentials: EtcdCredentials?
  /// The trust roots and certificates for `https` endpoints.
  public var tls = HTTPClientConfiguration.TLS()
  /// The timeout of one request to one member.
  public var requestTimeout = Duration.seconds(3)
  /// The timeout of an operation, including all retries on all members, after which it fails as `unavailable`.
  public var retryBudget = Duration.seconds(15)
  /// The time after which a watch is renewed. A silently dead connection is noticed after this time.
  public var watchRenewal = Duration.seconds(10)
  /// The minimum time for which the ids of transactions are remembered; a transaction repeated within this time is not applied
  /// again.
  public var idMemory = Duration.seconds(3600)
  /// The maximum size of a request that etcd accepts, in bytes; its flag `--max-request-bytes`.
  public var maximumRequestByteCount = 1_572_864
  /// The maximum number of operations in a transaction that etcd accepts; its flag `--max-txn-ops`.
  public var maximumOperations = 128

  /// Creates a configuration with defaults.
  public init(endpoints: [String]) { self.endpoints = endpoints }

  /// The maximum number of endpoints.
  static let maximumEndpoints = 32

  /// The limits of transactions. They leave room for two changes and three conditions of the store's own, and for keys, headers
  /// and etcd's framing.
  public var limits: StateLimits {
    var limits = StateLimits()
    limits.changes = min(limits.changes, maximumOperations - 2)
    limits.conditions = min(limits.conditions, maximumOperations - 3)
    limits.transactionBytes = min(limits.transactionBytes, maximumRequestByteCount)
    limits.valueBytes = min(limits.valueBytes, maximumRequestByteCount - Self.overhead)
    return limits
  }

  /// The maximum number of bytes in a request with one value that are not the value: key, header, id, author, summary and
  /// framing.
  static let overhead = 8192

  /// Returns the configuration in normalized form.
  func validated() throws -> EtcdConfiguration {
    var result = self
    guard !endpoints.isEmpty, endpoints.count <= Self.maximumEndpoints else {
      throw StateStoreError(
        .invalidArgument,
        "\(endpoints.count) etcd endpoints are configured; specify 1 to \(Self.maximumEndpoints), for example "
          + "http://127.0.0.1:2379")
    }
    result.endpoints = try endpoints.map(Self.validated)
    if !prefix.hasSuffix("/") { result.prefix += "/" }
    guard result.prefix.utf8.count <= 256, result.prefix.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw StateStoreError(
        .invalidArgument, "The prefix of the keys in etcd must be printable ASCII without spaces, at most 256 bytes.")
    }
    guard requestTimeout > .zero, retryBudget >= requestTimeout, watchRenewal >= .milliseconds(100),
      idMemory >= .seconds(60), maximumOperations > 4, maximumRequestByteCount > 4096
    else {
      throw StateStoreError(
        .invalidArgument,
        "The times or limits for etcd are invalid: the retry budget must not be less than the request timeout, and "
          + "transaction ids must be kept for a minute or longer.")
    }
    return result
  }

  private static func validated(_ endpoint: String) throws -> String {
    let trimmed = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    let scheme = ["http://", "https://"].first { trimmed.hasPrefix($0) }
    let address = trimmed.dropFirst(scheme?.utf8.count ?? 0)
    guard scheme != nil, !address.isEmpty, address.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
      !address.contains(where: { "/?#@".contains($0) })
    else {
      // The text is not shown, because it may contain a password.
      throw StateStoreError(
        .invalidArgument,
        "An etcd endpoint must have the form http://host:port or https://host:port, without a path, user or password."
      )
    }
    return trimmed
  }
}

/// A user of etcd. Printing the value does not reveal the password.
public struct EtcdCredentials: Sendable, CustomStringConvertible, CustomReflectable {
  /// The user's name.
  public var user: String
  /// The password.
  public var password: String

  /// Creates credentials.
  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  /// The user name only.
  public var description: String { "user \(user)" }
  /// The user name only.
  public var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}
