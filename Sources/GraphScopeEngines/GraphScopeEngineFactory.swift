import Engines
import Glibc

/// Gives every session GraphScope's own engines, in processes of the session's own.
public struct GraphScopeEngineFactory: EngineFactory {
  private let installation: Installation
  private let libraries: LibraryStore
  private let path: String

  /// A factory.
  /// - Parameters:
  ///   - libraries: code for the engine, shared by all sessions.
  ///   - path: `PATH` of the processes, behind the installation's own directories.
  public init(_ installation: Installation, libraries: LibraryStore, path: String) {
    self.installation = installation
    self.libraries = libraries
    self.path = path
    SharedDirectories.removeThoseOfTheDead()
  }

  /// Never: their graphs are gone when their processes are.
  public func isEmbedded(workers: Int) -> Bool { false }

  /// Starts the engines of a session.
  /// - Throws: `EngineError` when something is not installed, or a process does not start.
  public func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let hosts = request.size.hosts
    guard hosts.allSatisfy({ ["localhost", "127.0.0.1", "::1"].contains($0) }) else {
      throw EngineError(
        .unimplemented, "GraphScope's engines are started on this machine only, not yet on several hosts",
        evidence: hosts.joined(separator: ", "), hint: "Ask for workers on localhost")
    }
    let commands = EngineCommands(
      installation: installation, directory: request.workspace + "/engines",
      shared: SharedDirectories.path(of: request.session),
      workers: hosts.count, path: path)
    let processes = try await SessionProcesses.start(commands, request.children)
    return SessionEngines(
      analytical: NativeAnalyticalEngine(
        session: request.session, processes: processes, libraries: libraries, children: request.children),
      queries: NativeQueryEngine(commands, request.children),
      learning: NativeLearningEngine(commands, request.children))
  }
}
