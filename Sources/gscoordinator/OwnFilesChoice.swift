import Coordinator
import Foundation
import ServerConfiguration

extension OwnFiles {
  /// The settings that name files of the coordinator.
  private static let keys: [Setting] = [
    .accessFile, .accessTokenFile, .clusterFile, .tlsCertificateFile, .tlsKeyFile, .tlsClientAuthorityFile,
    .tlsClientRevocationFile,
    .etcdPasswordFile, .etcdAuthorityFile, .etcdCertificateFile, .etcdKeyFile,
  ]

  /// Makes the list of the coordinator's own files: this workspace and the directories of workspaces of other ports, compiled
  /// libraries, and configured files.
  init(_ settings: Settings, workspace: String) {
    let environment = ProcessInfo.processInfo.environment
    let origins = Setting.allCases.compactMap { setting -> String? in
      if case .file(let path) = settings.origin(setting) { path } else { nil }
    }
    self.init(
      directories: [workspace, EngineChoice.cache(settings, workspace: workspace)]
        + WorkspaceChoice.roots(environment),
      files: Array(Set(Self.keys.compactMap { settings.optionalText($0) } + origins)))
  }
}
