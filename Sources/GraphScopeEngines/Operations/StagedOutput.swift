import Engines
import FoundationEssentials
import GraphStore
import NIOPosix
import Support

/// Output to a path of this machine. The engine and its helpers write it to a directory of the session; from there, it is moved
/// through the descriptor of a permitted directory. Neither of them opens a path that a client wrote.
struct StagedOutput: Sendable {
  /// The path that the engine or helper writes to.
  let path: String
  private let staging: String
  private let source: String
  private let destination: String
  private let places: any Places

  /// The form of the output.
  enum Form {
    /// Files in one directory whose names begin with the last component of the path.
    case files
    /// A directory of that name.
    case directory
  }

  /// Creates a directory for the output to `path`; returns nil if `path` is the address of a storage.
  /// - Throws: `EngineError` when the path has no valid last component, or the directory cannot be created.
  init?(_ path: String, as form: Form, in session: String, _ places: any Places) throws(EngineError) {
    let text = places.isRestricted ? String(TableReader.withoutScheme(path)) : TableReader.expandPath(path)
    guard !text.contains("://") else { return nil }
    let parts = text.pathParts
    // Drivers interpret these characters.
    guard let name = parts.last, name != "..", name != ".", !name.holdsByte(of: "$*?[]{}#%:\\") else {
      throw EngineError(
        .invalidArgument, "'\(path.prefix(1024))' is not a path that can be written",
        hint: "Its last component must be a name without any of $ * ? [ ] { } # % : \\")
    }
    staging = "\(session)/output-\(UInt32.random(in: 0...UInt32.max))"
    self.places = places
    switch form {
    case .files:
      source = staging
      destination = (text.utf8.first == UInt8(ascii: "/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
    case .directory:
      source = "\(staging)/\(name)"
      destination = text
    }
    self.path = "\(staging)/\(name)"
    let source = source
    do {
      try places.user.files {
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
      }
    } catch {
      throw EngineError(.internalFailure, "no directory for the output could be created: \(error)")
    }
  }

  /// Checks, before anything is written, that the output may be moved to its destination.
  /// - Throws: `EngineError` when it may not.
  func requireAllowed() async throws { try await move() }

  /// Moves the output to its destination.
  /// - Throws: `EngineError` when it cannot be moved.
  func move() async throws {
    try await NIOThreadPool.singleton.runIfActive { [places, source, destination] in
      try describingFailures { try places.move(contentsOf: source, to: destination) }
    }
  }

  /// Removes output that was not moved.
  func remove() { EngineDirectories.remove(staging) }
}
