import Access
import Coordinator
import Foundation
import GRPC
import LogStore
import Logging
import ServerConfiguration
import Transport

/// Access control as configured. Without access control the server listens on this machine only.
struct AccessSetup {
  /// The access control; nil if none is configured.
  let control: AccessControl?
  /// The additional listeners.
  let listeners: [AccessFile.Listener]
  private let tokens: TokenFile?
  private let stamp: TokenFile.Stamp?
  private let hasTLS: Bool
  private let allowsPlaintext: Bool

  /// Reads the configured files. Requesting client certificates over TLS also enables access control.
  /// - Throws: `ConfigurationError`.
  init(_ settings: Settings, logs: LogStore) throws {
    allowsPlaintext = try settings.flag(.accessAllowPlaintext)
    hasTLS = settings.optionalText(.tlsCertificateFile) != nil
    let hasClientCertificates = settings.optionalText(.tlsClientAuthorityFile) != nil
    let keys: [Setting] = [.accessFile, .accessTokenFile, .accessAnonymous]
    guard hasClientCertificates || keys.contains(where: { settings.optionalText($0) != nil }) else {
      (control, listeners, tokens, stamp) = (nil, [], nil, nil)
      return
    }
    let file = try settings.optionalText(.accessFile).map { try AccessFile(path: $0) } ?? .withoutFile
    tokens = settings.optionalText(.accessTokenFile).map { TokenFile($0) }
    // Taken before the file is read, so that a change in between is detected.
    stamp = tokens?.stamp
    do {
      control = try AccessControl(Self.policy(settings, file), tokens: TokenSet(tokens?.read() ?? []), logs: logs)
    } catch let error as AccessPolicyError {
      throw ConfigurationError("access control cannot be set up: \(error)")
    }
    listeners = file.addresses
  }

  private static func policy(_ settings: Settings, _ file: AccessFile) throws -> AccessPolicy {
    try RunAs.requireMayBe(file.tenants)
    return try AccessPolicy(
      certificates: file.certificates, users: file.users, listeners: file.listeners, networks: file.networks,
      tenants: file.tenants, anonymous: try anonymous(settings, file), owner: geteuid())
  }

  /// Reads the access file again and applies it; does nothing if there is none.
  /// - Parameter isDryRun: whether to read the file without applying it.
  /// - Returns: a description of the changes.
  /// - Throws: `ConfigurationError`; then nothing has changed.
  static func reload(_ settings: Settings, _ control: AccessControl?, isDryRun: Bool) throws -> [String] {
    guard let control, let path = settings.optionalText(.accessFile) else { return [] }
    let file = try AccessFile(path: path)
    do {
      let policy = try policy(settings, file)
      guard control.policy != policy else { return [] }
      if !isDryRun { try control.replace(policy) }
    } catch let error as AccessPolicyError {
      throw ConfigurationError("the access file '\(path)' cannot be applied: \(error)")
    }
    return ["the access file would be applied, except for the addresses of listeners, which change at the next start"]
  }

  private static func anonymous(_ settings: Settings, _ file: AccessFile) throws -> AccessPolicy.Grant? {
    var granted: AccessPolicy.Grant?
    if case .granted(let grant) = file.anonymous { granted = grant }
    switch settings.optionalText(.accessAnonymous) {
    case nil: return granted
    case "refuse": return nil
    case "tenant": return granted ?? AccessFile.anonymousGrant
    case let other?:
      throw ConfigurationError(
        "access.anonymous is '\(other)' (\(settings.origin(.accessAnonymous))), but must be refuse or tenant")
    }
  }

  /// Requires that the server may listen on a host: always on a loopback address; on others only with access control, and
  /// without TLS only if the configuration declares the network as trusted.
  /// - Throws: `ConfigurationError`.
  func requireMayListen(on host: String, _ origin: String) throws {
    if Self.isLoopback(host) { return }
    guard control != nil else {
      throw ConfigurationError(
        "host is '\(host)' (\(origin)), but without access control, only loopback addresses are allowed. Use 127.0.0.1, "
          + "::1 or a Unix socket, with a tunnel for other machines; or set access.token_file or access.file")
    }
    guard hasTLS || allowsPlaintext else {
      throw ConfigurationError(
        "host is '\(host)' (\(origin)), but without TLS, tokens and data can be read in transit. Configure TLS, "
          + "or, if the network is trusted, set access.allow_plaintext: true")
    }
  }

  /// Only numeric addresses count: a name such as `127.example.org` may resolve to any address.
  private static func isLoopback(_ host: String) -> Bool {
    var address = in_addr()
    return host == "localhost" || host == "::1" || host.hasPrefix("127.") && inet_pton(AF_INET, host, &address) == 1
  }

  /// Whether other users of the machine may connect to the Unix sockets: only if access control can identify them.
  var isSocketShared: Bool { control != nil }

  /// Returns work that detects changes of the token file until its task is cancelled, and reports the tokens that are no longer
  /// valid; nil without access control.
  func watch(_ logger: Logger, onEnded: @escaping @Sendable (Set<String>) async -> Void) -> Background? {
    guard let control else { return nil }
    let watch = TokenWatch(tokens, for: control, logger: logger)
    return Background { [stamp] in await watch.run(since: stamp, onEnded: onEnded) }
  }
}
