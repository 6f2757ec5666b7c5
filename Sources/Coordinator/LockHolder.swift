import Glibc

/// The identity of a process as written to the lock of a workspace, with which others can determine whether it is still the same
/// process: process ids are reused.
public struct LockHolder: Sendable, Equatable {
  /// The process id.
  public var process: Int32
  /// The start time, in clock ticks since boot.
  var start: UInt64
  /// The boot id of the machine, and the process id namespace.
  var machine: String
  var space: String

  /// The current process.
  public static var current: LockHolder {
    let process = getpid()
    return LockHolder(
      process: process, start: ProcessStatus(process)?.start ?? 0,
      machine: firstLine("/proc/sys/kernel/random/boot_id"),
      space: numberSpace)
  }

  /// Whether the process runs on this machine, in this process id namespace, and is the one that wrote the lock.
  public var isAlive: Bool { status != nil }

  /// Whether it is alive but stopped, by SIGSTOP or under a debugger.
  public var isStopped: Bool { status.map { $0.state == "T" || $0.state == "t" } ?? false }

  /// Kills the process, if it is still the same one.
  /// - Returns: Whether it was killed.
  public func end() -> Bool { isAlive && kill(process, SIGKILL) == 0 }

  private var status: ProcessStatus? {
    let own = Self.current
    guard process != own.process, start > 0, machine == own.machine, space == own.space,
      let status = ProcessStatus(process), status.start == start
    else { return nil }
    return status
  }

  private static var numberSpace: String {
    var name = [UInt8](repeating: 0, count: 64)
    let count = readlink("/proc/self/ns/pid", &name, name.count)
    return String(decoding: name.prefix(max(0, count)), as: UTF8.self)
  }

  private static func firstLine(_ path: String) -> String {
    String(decoding: fileBytes(path).prefix { $0 > 32 }, as: UTF8.self)
  }

  // MARK: Lock file

  /// The contents of the lock file, starting with the process id, for people.
  var text: String { "\(process) \(start) \(machine) \(space)" }

  /// Parses the contents of a lock file; nil if malformed.
  init?(_ text: String) {
    let parts = text.split(separator: " ").map(String.init)
    guard parts.count == 4, let process = Int32(parts[0]), process > 1, let start = UInt64(parts[1]) else { return nil }
    self.init(process: process, start: start, machine: parts[2], space: parts[3])
  }

  private init(process: Int32, start: UInt64, machine: String, space: String) {
    (self.process, self.start, self.machine, self.space) = (process, start, machine, space)
  }
}

/// The status of a process according to the kernel (proc(5)).
private struct ProcessStatus {
  var state: Character
  var start: UInt64

  /// Reads the status; nil if there is no such process.
  init?(_ process: Int32) {
    let text = String(decoding: fileBytes("/proc/\(process)/stat"), as: UTF8.self)
    // The second field is the program's name in parentheses, which may contain any character.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let state = fields[0].first, let start = UInt64(fields[19]) else { return nil }
    (self.state, self.start) = (state, start)
  }
}

/// Returns the first bytes of a small file; empty if it cannot be read.
private func fileBytes(_ path: String) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return [] }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 4_096)
  let count = read(descriptor, &bytes, bytes.count)
  return Array(bytes.prefix(max(0, count)))
}
