import Engines
import FoundationEssentials
import Glibc
import JSON
import Wire

/// A script for the Python environment of GraphScope's packages, run as a supervised process. Its order is in a file that only
/// the coordinator's user can read: arguments are visible to all users of the machine and recorded in the journal, and orders
/// contain the keys of object stores.
struct PythonScript: Sendable {
  let installation: Installation
  let environment: [String: String]
  /// The working directory, accessible to its user only.
  let directory: String
  let children: any ChildLauncher
  /// The user that it runs as; nil for the coordinator's own user.
  var user: EngineUser?

  /// Runs a script, which finds the members of `order` in a dictionary of that name.
  /// - Parameter purpose: The first part of the process's name.
  /// - Returns: how the process ended.
  /// - Throws: `EngineError.unimplemented` without Python; `.internalFailure` when the order cannot be written;
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
    let isWritten = try user.files {
      FileManager.default.createFile(
        atPath: path, contents: Data(JSONValue.object(order).encoded.utf8), attributes: [.posixPermissions: 0o600])
    }
    guard isWritten else {
      throw EngineError(.internalFailure, "the order for a helper process cannot be written to '\(path)'")
    }
    return try await children.run(
      ChildProgram(
        name: name, executable: python, arguments: ["-c", Self.reading + script, path], environment: environment,
        directory: directory))
  }

  /// Parses a client's JSON for an order; returns an empty object if the client sent none.
  /// - Throws: `EngineError.invalidArgument` when it is not a JSON object.
  static func options(_ text: String, _ what: String) throws(EngineError) -> JSONValue {
    guard !text.isEmpty else { return .object([]) }
    guard let value = try? JSONValue(parsing: text), value.members != nil else {
      throw EngineError(.invalidArgument, "the \(what) are not a JSON object")
    }
    return value
  }

  /// Returns the options of the storage that an operation names.
  static func storageOptions(of operation: OpDef) throws(EngineError) -> JSONValue {
    try options(operation.attributes[.storageOptions]?.text ?? "", "storage options")
  }

  /// Drivers quote their arguments in messages. The values of keys are known here only, so they are redacted here.
  private static let reading = """
    import base64, json, os, sys
    with open(sys.argv[1]) as file: order = json.load(file)
    def secrets(value, name=""):
        if isinstance(value, dict):
            for name, inner in value.items(): yield from secrets(inner, name.lower())
        elif any(part in name for part in ("key", "secret", "token", "pass", "sig", "cred")) and len(str(value)) > 3:
            yield str(value)
    class Cleaned:
        def __init__(self, stream):
            self.stream, options = stream, order.get("storage_options") or {}
            self.secrets = sorted(secrets(options), key=len, reverse=True)
            if self.secrets: self.secrets.append(base64.b64encode(json.dumps(options).encode()).decode())
        def write(self, text):
            for secret in self.secrets: text = text.replace(secret, "***")
            return self.stream.write(text)
        def __getattr__(self, name): return getattr(self.stream, name)
    sys.stdout, sys.stderr = Cleaned(sys.stdout), Cleaned(sys.stderr)

    """
}
