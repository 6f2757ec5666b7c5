import HTTPClient

/// How a state store on etcd is reached and where it keeps its keys.
public struct EtcdConfiguration: Sendable {
  /// The members' client addresses, `http://host:port` or `https://host:port`. One is enough; with several a member
  /// that fails is left for the next.
  public var endpoints: [String]
  /// What all keys begin with, so that several coordinators and other programs can share an etcd. A slash is added at
  /// the end if there is none.
  public var prefix = "gscoordinator/v1/"
  /// Who we are, when etcd's authentication is on.
  public var credentials: EtcdCredentials?
  /// Trust and certificates for `https` endpoints.
  public var tls = HTTPClientConfiguration.TLS()
  /// Time for one request to one member.
  public var requestTimeout = Duration.seconds(3)
  /// Time for an operation, all repetitions on all members included. When it is over the operation fails as
  /// `unavailable`.
  public var retryBudget = Duration.seconds(15)
  /// How long a watch stays with one connection. A connection that died without a word is noticed after this time.
  public var watchRenewal = Duration.seconds(10)
  /// How long a transaction's id is remembered, at least: within this time it is not applied a second time.
  public var idMemory = Duration.seconds(3600)
  /// The largest request that etcd accepts, in bytes; its flag `--max-request-bytes`.
  public var maximumRequestByteCount = 1_572_864
  /// The most operations in a transaction that etcd accepts; its flag `--max-txn-ops`.
  public var maximumOperations = 128

  /// The defaults, for some endpoints.
  public init(endpoints: [String]) { self.endpoints = endpoints }

  /// The most endpoints.
  static let maximumEndpoints = 32

  /// What transactions may hold. Two operations of each are the store's own, and some bytes are keys, headers and etcd's
  /// framing.
  public var limits: StateLimits {
    var limits = StateLimits()
    limits.changes = min(limits.changes, maximumOperations - 2)
    limits.conditions = min(limits.conditions, maximumOperations - 2)
    limits.transactionBytes = min(limits.transactionBytes, maximumRequestByteCount)
    limits.valueBytes = min(limits.valueBytes, maximumRequestByteCount - Self.overhead)
    return limits
  }

  /// Bytes of a request with one value that are not the value: key, header, id, author, summary and framing at their
  /// largest.
  static let overhead = 8192

  /// The configuration in its normal form.
  func validated() throws -> EtcdConfiguration {
    var result = self
    guard !endpoints.isEmpty, endpoints.count <= Self.maximumEndpoints else {
      throw StateStoreError(
        .invalidArgument,
        "etcd has \(endpoints.count) endpoints; give 1 to \(Self.maximumEndpoints), for example http://127.0.0.1:2379")
    }
    result.endpoints = try endpoints.map(Self.validated)
    if !prefix.hasSuffix("/") { result.prefix += "/" }
    guard result.prefix.utf8.count <= 256, result.prefix.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw StateStoreError(
        .invalidArgument, "The prefix of the keys in etcd has spaces, is not ASCII or longer than 256 bytes.")
    }
    guard requestTimeout > .zero, retryBudget >= requestTimeout, watchRenewal >= .milliseconds(100),
      idMemory >= .seconds(60), maximumOperations > 4, maximumRequestByteCount > 4096
    else {
      throw StateStoreError(
        .invalidArgument,
        "The times or bounds for etcd make no sense: the retry budget must not be less than the request timeout, "
          + "ids must be remembered for a minute or more.")
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
      // The text is not shown: it may hold a password.
      throw StateStoreError(
        .invalidArgument,
        "An endpoint of etcd is not of the form http://host:port or https://host:port, without path, user and password."
      )
    }
    return trimmed
  }
}

/// A user of etcd. Nothing that prints the value shows the password.
public struct EtcdCredentials: Sendable, CustomStringConvertible, CustomReflectable {
  /// The user's name.
  public var user: String
  /// The password.
  public var password: String

  /// A user and the password.
  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  /// The user alone.
  public var description: String { "user \(user)" }
  /// The user alone.
  public var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}
