import Engines
import FoundationEssentials
import JSON
import Synchronization
import Wire

/// Manages directories and workers' files on the other hosts of a session. Commands run on all hosts at the same time, through
/// the remote shell.
final class OtherHosts: Sendable {
  private let hosts: [String]
  private let commands: EngineCommands
  private let children: any ChildLauncher
  private let copied = Mutex<Set<String>>([])

  /// The time within which all hosts must complete a command.
  private static let patience = Duration.seconds(60)
  /// The time within which a copy must complete; libraries have a few megabytes.
  private static let copyPatience = Duration.seconds(300)

  init(_ commands: EngineCommands, _ children: any ChildLauncher) {
    (self.commands, self.children) = (commands, children)
    hosts = commands.hosts.others
  }

  /// Creates the session's directory, and removes those of sessions that are over, because their coordinator was killed or could
  /// not reach the host. Leaves the directories of coordinators on the host itself, in which no store needs to listen.
  /// - Throws: `EngineError` with the hosts' output.
  func prepare() async throws {
    guard !hosts.isEmpty else { return }
    let shared = Self.quoted(commands.shared)
    let leftovers = """
      for d in \(SharedDirectories.spreadPattern); do [ -O "$d" ] && [ ! -e "$d/\(SharedDirectories.ownerFile)" ] && \
      ! grep -qF " $d/" /proc/net/unix && [ -n "$(find "$d" -maxdepth 0 -mmin +10)" ] && rm -rf -- "$d"; done
      """
    try await run("\(leftovers); rm -rf -- \(shared); mkdir -m 700 -- \(shared)", within: Self.patience)
  }

  /// Copies a file to the same path on the hosts that do not have it yet.
  /// - Throws: `EngineError` with the hosts' output.
  func copy(_ path: String) async throws {
    guard !hosts.isEmpty, !copied.withLock({ $0.contains(path) }) else { return }
    let (file, directory) = (Self.quoted(path), Self.quoted(String(path.prefix(upTo: path.lastIndex(of: "/")!))))
    try await run(
      "test -e \(file) || { umask 077; mkdir -p -- \(directory) && cat >\(file).$$ && chmod 755 \(file).$$ "
        + "&& mv -f -- \(file).$$ \(file); }",
      input: path, within: Self.copyPatience)
    _ = copied.withLock { $0.insert(path) }
  }

  /// Removes the session's directory. A host that is unreachable keeps it until the next session.
  func tidy() async {
    guard !hosts.isEmpty else { return }
    try? await run("rm -rf -- \(Self.quoted(commands.shared))", within: Self.patience)
  }

  private func run(_ command: String, input: String = "", within patience: Duration) async throws {
    let script = PythonScript(
      installation: commands.installation, environment: commands.environment, directory: commands.directory,
      children: children)
    let order: [(key: String, value: JSONValue)] = [
      ("shell", .array(commands.placement.remoteShell.map { .string($0) })),
      ("hosts", .array(hosts.map { .string($0) })),
      ("command", .string(command)), ("input", .string(input)),
    ]
    let late = failure("they did not answer within \(patience)")
    let end = try await within(patience, orElse: late) { try await script.run(Self.script, order, purpose: "hosts") }
    guard end.isSuccess else { throw failure(end.lastLines.suffix(5).joined(separator: " | ")) }
  }

  private func failure(_ evidence: String) -> EngineError {
    EngineError(
      .engineFailure, "a command could not be run on the session's other hosts, \(hosts.joined(separator: ", "))",
      evidence: evidence,
      hint:
        "'\(commands.placement.remoteShell.joined(separator: " ")) \(hosts[0]) true' must work without a password for the "
        + "coordinator's user; graphscope.remote_shell names another program")
  }

  /// Quotes a word for a remote shell.
  static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }

  private static let script = """
    import subprocess
    def begin(host):
        source = open(order["input"], "rb") if order["input"] else subprocess.DEVNULL
        return subprocess.Popen([*order["shell"], host, order["command"]], stdin=source, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
    failed = False
    for host, process in [(host, begin(host)) for host in order["hosts"]]:
        words = process.communicate()[0].decode(errors="replace").split("\\n")
        if process.returncode:
            failed = True
            print(f"{host}: " + (" ".join(words).strip() or f"exit status {process.returncode}"), flush=True)
    sys.exit(failed)

    """
}
