import Coordinator
import Foundation
import GRPC
import Logging
import Transport

/// Access control as it is configured; or none, and then only this machine is served.
struct AccessSetup {
  /// nil: none is configured.
  let control: AccessControl?
  /// Where to listen besides.
  let listeners: [AccessFile.Listener]
  private let tokens: TokenFile?
  private let stamp: TokenFile.Stamp?
  private let hasTLS: Bool
  private let allowsPlaintext: Bool

  /// Reads the files. That TLS asks clients for certificates is access control, too.
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
    // Before the file is read: a change in between is then noticed.
    stamp = tokens?.stamp
    do {
      control = try AccessControl(Self.policy(settings, file), tokens: TokenSet(tokens?.read() ?? []), logs: logs)
    } catch let error as AccessPolicyError {
      throw ConfigurationError("access control cannot be set up: \(error)")
    }
    listeners = file.addresses
  }

  private static func policy(_ settings: Settings, _ file: AccessFile) throws -> AccessPolicy {
    try AccessPolicy(
      certificates: file.certificates, users: file.users, listeners: file.listeners, networks: file.networks,
      anonymous: try anonymous(settings, file), owner: geteuid())
  }

  /// Reads the access file again and puts it into force; where there is none, nothing happens.
  /// - Parameter isDryRun: whether it is only read.
  /// - Returns: what is to be told of it.
  /// - Throws: `ConfigurationError`; nothing has changed then.
  static func reload(_ settings: Settings, _ control: AccessControl?, isDryRun: Bool) throws -> [String] {
    guard let control, let path = settings.optionalText(.accessFile) else { return [] }
    let file = try AccessFile(path: path)
    do {
      let policy = try policy(settings, file)
      guard control.policy != policy else { return [] }
      if !isDryRun { try control.replace(policy) }
    } catch let error as AccessPolicyError {
      throw ConfigurationError("'\(path)' cannot be put into force: \(error)")
    }
    return ["the access file would be taken as it is now; addresses that it listens on change with the next start"]
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

  /// Requires that a host may be listened on: a loopback one always, another one only where it is known who calls, and
  /// without TLS only where somebody says that nobody listens in.
  /// - Throws: `ConfigurationError`.
  func requireMayListen(on host: String, _ origin: String) throws {
    if Self.isLoopback(host) { return }
    guard control != nil else {
      throw ConfigurationError(
        "host is '\(host)' (\(origin)), but without authentication only loopback addresses are "
          + "listened on. Use 127.0.0.1, ::1 or a Unix socket, and a tunnel for other machines; or configure "
          + "access.token_file or access.file")
    }
    guard hasTLS || allowsPlaintext else {
      throw ConfigurationError(
        "host is '\(host)' (\(origin)), but without TLS everybody on the way could read tokens and data. Configure TLS, "
          + "or, where the network itself is trusted, access.allow_plaintext: true")
    }
  }

  /// A name such as `127.example.org` may be anybody's.
  private static func isLoopback(_ host: String) -> Bool {
    var address = in_addr()
    return host == "localhost" || host == "::1" || host.hasPrefix("127.") && inet_pton(AF_INET, host, &address) == 1
  }

  /// Other users of the machine may connect to our Unix sockets once it is known who they are.
  var isSocketShared: Bool { control != nil }

  /// Notices changes of the token file until the task is cancelled, and tells which tokens have ended.
  func watch(_ logger: Logger, onEnded: @escaping @Sendable (Set<String>) async -> Void) -> Task<Void, Never>? {
    guard let control else { return nil }
    let watch = TokenWatch(tokens, for: control, logger: logger)
    return Task { [stamp] in await watch.run(since: stamp, onEnded: onEnded) }
  }
}

extension Settings {
  /// The value as yes or no.
  func flag(_ setting: Setting) throws -> Bool {
    switch text(setting) {
    case "true": return true
    case "false", "": return false
    case let other:
      throw ConfigurationError("\(setting.rawValue) is '\(other)' (\(origin(setting))), but must be true or false")
    }
  }
}
