import Engines
import Glibc
import GraphStore
import Wire

/// Makes files that are open in this process available to the session's processes, under names that refer to the very same files:
/// those of our descriptors. Another user may not use these names; for processes of another user, an idle process of that user
/// holds the descriptors. The permissions of the files apply to that user as usual.
struct FileLender: Sendable {
  let user: EngineUser?
  let commands: EngineCommands
  let children: any ChildLauncher

  /// Returns names for files, in their order. They are valid until the loan ends.
  /// - Throws: `EngineError` when no process can hold the files; `CancellationError`.
  func lend(_ files: [OpenedFile]) async throws -> Loan {
    guard user != nil, !files.isEmpty else {
      return Loan(files: files, holder: getpid(), name: nil, children: children)
    }
    let name = "files-\(UInt32.random(in: 0...UInt32.max))"
    try await children.start(
      ChildProgram(
        name: name, executable: try waitingProgram(), arguments: ["infinity"], environment: commands.environment,
        directory: commands.directory, descriptors: files.map(\.descriptor)))
    guard let holder = await children.process(of: name) else {
      await children.stop(name)
      throw EngineError(.engineFailure, "the process that holds files for the engine has ended")
    }
    return Loan(files: files, holder: holder, name: name, children: children)
  }

  private func waitingProgram() throws(EngineError) -> String {
    let path = (commands.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/bin", "/bin"]
    guard let program = path.map({ $0 + "/sleep" }).first(where: HostFiles().isExecutable) else {
      throw EngineError(
        .unimplemented, "engines of another user cannot receive files because the program sleep is missing",
        hint: "Install the machine's basic commands (coreutils)")
    }
    return program
  }
}

/// Files that processes of a session may open by the names given here.
final class Loan: Sendable {
  private let files: [OpenedFile]
  private let holder: Int32
  /// The process that holds the files; nil if it is this process.
  private let name: String?
  private let children: any ChildLauncher

  fileprivate init(files: [OpenedFile], holder: Int32, name: String?, children: any ChildLauncher) {
    (self.files, self.holder, self.name, self.children) = (files, holder, name, children)
  }

  /// The name of each file.
  var names: [String] { files.map { "/proc/\(holder)/fd/\($0.descriptor)" } }

  /// Ends the loan, and soon afterwards any process that held the files. May be called repeatedly.
  func end() {
    guard let name else { return }
    let children = children
    // The caller need not wait, and the supervisor ends what is left when the coordinator ends.
    Task { await children.stop(name) }
  }
}
