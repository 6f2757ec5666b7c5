import Cluster
import Coordinator
import Foundation
import HTTPClient

/// Where state is kept.
enum StateBackend: String, CaseIterable {
  case sqlite
  case etcd
  case memory

  /// The backend that is configured; by default SQLite, or memory when the workspace is temporary.
  init(_ settings: Settings, isTemporary: Bool) throws {
    guard let text = settings.optionalText(.state) else {
      self = isTemporary ? .memory : .sqlite
      return
    }
    guard let backend = StateBackend(rawValue: text) else {
      throw ConfigurationError("state is '\(text)' (\(settings.origin(.state))), but must be sqlite, etcd or memory")
    }
    self = backend
  }

  /// Opens the store.
  /// - Throws: `ConfigurationError`, `StateStoreError`.
  func open(_ settings: Settings, workspace: String) async throws -> any StateStore {
    switch self {
    case .memory: InMemoryStateStore()
    case .sqlite: try SQLiteStateStore(directory: workspace, options: try Self.sqliteOptions(settings))
    case .etcd: try await EtcdStateStore.open(try Self.etcdConfiguration(settings))
    }
  }

  private static func sqliteOptions(_ settings: Settings) throws -> SQLiteStateStore.Options {
    var options = SQLiteStateStore.Options()
    guard let synchronous = SQLiteStateStore.Options.Synchronous(rawValue: settings.text(.stateSync)) else {
      throw ConfigurationError(
        "state_sync is '\(settings.text(.stateSync))' (\(settings.origin(.stateSync))), but must be normal or full")
    }
    options.synchronous = synchronous
    options.maximumBytes = Int64(try settings.integer(.stateBytes, in: 1 << 20...1 << 40))
    options.writer = "gscoordinator \(serverVersion)"
    return options
  }

  private static func etcdConfiguration(_ settings: Settings) throws -> EtcdConfiguration {
    let endpoints = settings.text(.etcdEndpoints).split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard !endpoints.isEmpty else {
      throw ConfigurationError("state is etcd, but etcd.endpoints names none. Give addresses like http://host:2379")
    }
    var configuration = EtcdConfiguration(endpoints: endpoints)
    configuration.prefix = settings.text(.etcdPrefix)
    if let user = settings.optionalText(.etcdUser) {
      let path = settings.text(.etcdPasswordFile)
      guard let password = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw ConfigurationError("cannot read etcd.password_file '\(path)' (\(settings.origin(.etcdPasswordFile)))")
      }
      configuration.credentials = EtcdCredentials(
        user: user, password: password.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    configuration.tls.authorityFile = settings.optionalText(.etcdAuthorityFile)
    configuration.tls.certificateFile = settings.optionalText(.etcdCertificateFile)
    configuration.tls.keyFile = settings.optionalText(.etcdKeyFile)
    return configuration
  }
}
