import Engines
import Synchronization
import Vocabulary
import Wire

extension NativeAnalyticalEngine {
  /// Ensures that the engine has loaded the code for the operation's graph or algorithm.
  func loadLibraries(for operation: inout OpDef, _ log: any ProgressLog) async throws {
    switch operation.op {
    case .bindApp:
      let application = try libraries.application(operation.attributes)
      let path = try await libraries.path(of: application, with: builder(log))
      try await distribute(path)
      operation.attributes[.appLibraryPath] = .text(path)
    case .createGraph where operation.attributes[.graphType]?.integer == Int64(GraphType.arrowProperty.rawValue),
      .transformGraph, .projectToSimple, .consolidateColumns, .addLabels, .archiveGraph:
      let fragment = try FragmentType(operation.attributes)
      try await register(fragment, log)
      operation.attributes[.typeSignature] = .text(fragment.signature)
    default: break
    }
  }

  private func register(_ fragment: FragmentType, _ log: any ProgressLog) async throws {
    let signature = fragment.signature
    guard !objects.withLock({ $0.registered.contains(signature) }) else { return }
    let path = try await libraries.path(of: fragment, with: builder(log))
    try await distribute(path)
    let registration = OpDef(
      key: "register-\(signature.prefix(16))", op: .registerGraphType,
      attributes: [
        .graphLibraryPath: .text(path), .typeSignature: .text(signature),
        .graphType: .int(Int64(fragment.graphType.rawValue)),
      ])
    _ = try await connection.perform(registration)
    _ = objects.withLock { $0.registered.insert(signature) }
  }

  /// Copies a library to the session's other hosts. Libraries that are part of the installation already exist there.
  private func distribute(_ path: String) async throws {
    guard !path.hasPrefix(libraries.installation.precompiled + "/") else { return }
    try await processes.otherHosts.copy(path)
  }

  private func builder(_ log: any ProgressLog) -> LibraryBuilder {
    LibraryBuilder(
      installation: libraries.installation, environment: processes.commands.environment, children: children, log: log,
      user: places.user)
  }
}
