import Coordinator
import Foundation
import HTTPClient
import Logging
import StateStore
import Support

/// The kind of store for the state.
public enum StateBackend: String, CaseIterable, Sendable {
  /// A database in the workspace.
  case sqlite
  /// An etcd cluster, which several coordinators can share.
  case etcd
  /// Memory; the state ends with the process.
  case memory

  /// Reads the backend from the settings; the default is SQLite, or memory when the workspace is temporary.
  public init(_ settings: Settings, isTemporary: Bool) throws {
    self =
      settings.optionalText(.state) == nil ? (isTemporary ? .memory : .sqlite) : try settings.choice(.state)
  }

  /// Opens the store of a workspace.
  /// - Throws: `ConfigurationError` when the workspace belongs to a store of another kind; `StateStoreError`.
  public func open(_ settings: Settings, workspace: String) async throws -> any StateStore {
    try requireKind(in: workspace, settings)
    switch self {
    case .memory: return InMemoryStateStore()
    case .sqlite:
      let store = try SQLiteStateStore(directory: workspace, options: try Self.sqliteOptions(settings))
      if let remark = store.openingRemark { Logger(label: "gscoordinator").warning("\(remark)") }
      return store
    case .etcd: return try await EtcdStateStore.open(try Self.etcdConfiguration(settings), rememberedIn: workspace)
    }
  }

  /// Opens the store in etcd without checking which workspace it belongs to, for copies.
  public static func openEtcd(_ settings: Settings) async throws -> EtcdStateStore {
    try await EtcdStateStore.open(try etcdConfiguration(settings))
  }

  /// The files in a workspace that show which kind of store it uses.
  private static let traces: [(StateBackend, names: [String])] = [
    (.sqlite, ["state.db", "state.db-wal", "state.seal"]), (.etcd, ["etcd.seal"]),
  ]

  /// Requires that the workspace has not been used with another kind of store: its files belong to sessions that only that
  /// store knows.
  private func requireKind(in workspace: String, _ settings: Settings) throws {
    for (kind, names) in Self.traces where kind != self {
      guard let name = names.first(where: { access("\(workspace)/\($0)", F_OK) == 0 }) else { continue }
      throw ConfigurationError(
        "state is \(rawValue) (\(settings.origin(.state))), but the sessions of the workspace '\(workspace)' are in a "
          + "store of the kind \(kind.rawValue) ('\(name)' exists). Set state=\(kind.rawValue), or choose another "
          + "workspace; to give up the old sessions, move its files away")
    }
  }

  private static func sqliteOptions(_ settings: Settings) throws -> SQLiteStateStore.Options {
    var options = SQLiteStateStore.Options()
    options.synchronous = try settings.choice(.stateSync)
    options.maximumBytes = Int64(try settings.integer(.stateBytes))
    options.writer = "gscoordinator \(serverVersion)"
    return options
  }

  /// Returns the configuration for connections to etcd.
  /// - Throws: `ConfigurationError`.
  public static func etcdConfiguration(_ settings: Settings) throws -> EtcdConfiguration {
    let endpoints = settings.text(.etcdEndpoints).split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard !endpoints.isEmpty else {
      throw ConfigurationError(
        "state is etcd, but etcd.endpoints is empty. Set it to addresses such as http://host:2379")
    }
    var configuration = EtcdConfiguration(endpoints: endpoints)
    configuration.prefix = settings.text(.etcdPrefix)
    if let user = settings.optionalText(.etcdUser) {
      let path = settings.text(.etcdPasswordFile)
      let password: [UInt8]
      do { password = try SmallFile.read(path) } catch {
        throw ConfigurationError(
          "cannot read etcd.password_file '\(path)' (\(settings.origin(.etcdPasswordFile))): \(error.reason)")
      }
      configuration.credentials = EtcdCredentials(
        user: user,
        password: String(decoding: password, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }
    configuration.tls.authorityFile = settings.optionalText(.etcdAuthorityFile)
    configuration.tls.certificateFile = settings.optionalText(.etcdCertificateFile)
    configuration.tls.keyFile = settings.optionalText(.etcdKeyFile)
    return configuration
  }
}
