import Engines
import FoundationEssentials
import Glibc
import Wire

/// A script for the Python that GraphScope's packages are installed in, run as a supervised process. What it is to do is in a
/// file for our user alone: arguments are seen by every user of the machine and stand in the journal, and orders hold the
/// keys of object stores.
struct PythonScript: Sendable {
  let installation: Installation
  let environment: [String: String]
  /// Where it runs, a directory for our user alone.
  let directory: String
  let children: any ChildLauncher

  /// Runs a script, which finds the members of `order` in the dictionary of that name.
  /// - Parameter purpose: the first part of the process's name.
  /// - Returns: how it ended, once it has.
  /// - Throws: `EngineError.unimplemented` without Python, `.internalFailure` when the order cannot be written;
  ///   `CancellationError`.
  func run(_ script: String, _ order: [(key: String, value: JSONValue)], purpose: String) async throws -> ChildEnd {
    guard let python = installation.python else {
      throw EngineError(
        .unimplemented, "files of this kind need the Python environment of GraphScope's engines",
        hint: InstallationProblem.remedy)
    }
    let name = "\(purpose)-\(UInt32.random(in: 0...UInt32.max))"
    let path = "\(directory)/\(name).json"
    defer { unlink(path) }
    guard
      FileManager.default.createFile(
        atPath: path, contents: Data(JSONValue.object(order).encoded.utf8), attributes: [.posixPermissions: 0o600])
    else { throw EngineError(.internalFailure, "the order for a helper process cannot be written to '\(path)'") }
    return try await children.run(
      ChildProgram(
        name: name, executable: python, arguments: ["-c", Self.reading + script, path], environment: environment,
        directory: directory))
  }

  /// JSON that a client sent, for an order; an empty object when it sent none.
  /// - Throws: `EngineError.invalidArgument` when it is not a JSON object.
  static func options(_ text: String, _ what: String) throws(EngineError) -> JSONValue {
    guard !text.isEmpty else { return .object([]) }
    guard let value = try? JSONValue(parsing: text), value.members != nil else {
      throw EngineError(.invalidArgument, "the \(what) are not a JSON object")
    }
    return value
  }

  private static let reading = """
    import json, os, sys
    with open(sys.argv[1]) as file: order = json.load(file)

    """
}
