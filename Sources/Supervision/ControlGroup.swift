import Glibc

/// A directory of the unified control group hierarchy (cgroup v2) in which groups for children are created. See the kernel's
/// `Documentation/admin-guide/cgroup-v2.rst`.
public struct ControlGroups: Sendable, Equatable {
  /// The directory, which must not contain processes.
  public let directory: String

  /// Prepares a given directory: enables its groups to limit memory, processors and processes.
  /// - Throws: `SupervisionError` of code `file` if it is not a cgroup v2 directory or is not writable.
  public init(directory: String) throws {
    self.directory = directory
    guard access(directory + "/cgroup.controllers", R_OK) == 0 else {
      throw SupervisionError(
        .file,
        "\(directory) is not a cgroup v2 directory: \(describe(errno: errno)). Children are limited by rlimits instead."
      )
    }
    try ControlGroup.write("+memory +cpu +pids", to: directory + "/cgroup.subtree_control")
  }

  /// Prepares the coordinator's own group, if it was delegated (systemd: `Delegate=yes`). Moves this process into the subgroup
  /// `coordinator`, because a group that contains processes cannot have subgroups with limits.
  /// - Throws: `SupervisionError` of code `file` if there is no cgroup v2 or it was not delegated.
  public static func delegated(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") throws
    -> ControlGroups
  {
    let lines = String(decoding: ProcessTable.readFile(membership, limit: 65536) ?? [], as: UTF8.self).split(
      separator: "\n")
    guard let own = lines.first(where: { $0.hasPrefix("0::/") })?.dropFirst(3) else {
      throw SupervisionError(.file, "This machine has no cgroup v2. Children are limited by rlimits instead.")
    }
    let parent = own == "/" ? root : root + own
    let ours = parent + "/coordinator"
    if mkdir(ours, 0o755) != 0, errno != EEXIST { throw SupervisionError.file(ours, errno) }
    try ControlGroup.write("\(getpid())", to: ours + "/cgroup.procs")
    return try ControlGroups(directory: parent)
  }

  /// Creates the group of a child.
  /// - Throws: `SupervisionError` of code `file`.
  func make(name: String, limits: ChildLimits) throws -> ControlGroup {
    let group = ControlGroup(path: directory + "/" + name)
    if mkdir(group.path, 0o755) != 0, errno != EEXIST { throw SupervisionError.file(group.path, errno) }
    do {
      if let bytes = limits.memoryBytes {
        try ControlGroup.write("\(bytes)", to: group.path + "/memory.max")
        // Swapping would only delay the end. The file is absent if swap accounting is off.
        try? ControlGroup.write("0", to: group.path + "/memory.swap.max")
      }
      if let processors = limits.processors {
        try ControlGroup.write("\(Int64(max(0.01, processors) * 100_000)) 100000", to: group.path + "/cpu.max")
      }
      if let processes = limits.processes {
        try ControlGroup.write("\(processes)", to: group.path + "/pids.max")
      }
    } catch {
      _ = group.remove()
      throw error
    }
    return group
  }

  /// Returns the group created by an earlier coordinator; nil if there is none.
  func find(name: String) -> ControlGroup? {
    let group = ControlGroup(path: directory + "/" + name)
    return access(group.processesFile, F_OK) == 0 ? group : nil
  }
}

/// A child's control group.
struct ControlGroup: Sendable, Equatable {
  let path: String

  /// A process joins the group by writing its id to this file.
  var processesFile: String { path + "/cgroup.procs" }

  /// Kills all processes in the group, whatever their session and environment. Returns false if the kernel does not support it
  /// (before Linux 5.14).
  func kill() -> Bool { (try? ControlGroup.write("1", to: path + "/cgroup.kill")) != nil }

  /// Whether the kernel killed a process of the group because of the memory limit.
  var killedForMemory: Bool {
    let events = String(decoding: ProcessTable.readFile(path + "/memory.events", limit: 4096) ?? [], as: UTF8.self)
    return events.split(separator: "\n").contains { line in
      let fields = line.split(separator: " ")
      return fields.count == 2 && fields[0] == "oom_kill" && fields[1] != "0"
    }
  }

  /// Removes the group. Returns false while it contains a process.
  func remove() -> Bool { rmdir(path) == 0 || errno != EBUSY }

  /// Writes to a file of the control group hierarchy, or of a directory that imitates it.
  static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SupervisionError.file(path, errno) }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
      throw SupervisionError.file(path, errno)
    }
  }
}
