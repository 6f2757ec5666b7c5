import Engines
import GraphStore
import Wire

/// Files that the engine or a helper reads and writes for a client, limited to the permitted places.
struct EngineFiles: Sendable {
  let places: any Places
  /// A directory of the session's own.
  let directory: String

  /// Checks that the files that the engine itself reads or writes are in permitted places.
  /// - Returns: the staged output, if the engine's output is to be moved.
  func prepared(_ definition: inout OpDef) async throws -> StagedOutput? {
    switch definition.op {
    case .output:
      let path = definition.attributes[.fd]?.text ?? ""
      guard let output = try await staged(path, as: .files) else {
        try places.require(path, options: try PythonScript.storageOptions(of: definition), for: .writing)
        return nil
      }
      definition.attributes[.fd] = .text("file://" + output.path)
      return output
    case .archiveGraph: try await requireArchive(definition, for: .writing)
    case .createGraph where definition.attributes[.isFromGar]?.boolean == true:
      try await requireArchive(definition, for: .reading)
    default: break
    }
    return nil
  }

  /// Rejects archives where access is restricted: the engine opens them itself, and their descriptions name further files that
  /// are not known beforehand.
  private func requireArchive(_ definition: OpDef, for use: PlaceUse) async throws {
    let path = definition.attributes[.graphInfoPath]?.text ?? ""
    guard !places.isRestricted else {
      throw EngineError(
        .permissionDenied, "GraphAr archives can be neither read nor written with access control",
        hint: "Their descriptions may name any file. Use save_to with format='serialization', and load_from")
    }
    guard !TableReader.withoutScheme(path).contains("://") else { return }
    if use == .reading { return try describingFailures { try places.requireReadable(path) } }
    guard let output = try await staged(path, as: .directory) else { return }
    output.remove()
  }

  /// Returns a staged output for a path; nil for an address.
  func staged(_ path: String, as form: StagedOutput.Form) async throws -> StagedOutput? {
    guard let output = try StagedOutput(path, as: form, in: directory, places) else { return nil }
    do { try await output.requireAllowed() } catch {
      output.remove()
      throw error
    }
    return output
  }
}
