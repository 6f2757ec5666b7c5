import FoundationEssentials
import Glibc

/// The directories in which sessions' processes share memory and sockets. They are in memory, and identify their coordinator by
/// its process id.
enum SharedDirectories {
  private static let root = "/dev/shm"
  private static let prefix = "gscoordinator-"

  /// Returns the directory of a session of this process.
  static func path(of session: String) -> String { "\(root)/\(prefix)\(getpid())-\(session)" }

  /// Returns the directory of a session on several hosts, the same on each of them.
  static func path(ofSpread session: String) -> String { "\(root)/\(spreadPrefix)\(session)" }

  /// The pattern of those directories for a shell.
  static let spreadPattern = "\(root)/\(spreadPrefix)*"

  private static let spreadPrefix = prefix + "hosts-"
  /// The name of a file in them, on their coordinator's host only, that contains the coordinator's process id.
  static let ownerFile = "coordinator"

  /// Marks a directory as belonging to this process.
  static func claim(_ directory: String) throws {
    try Data("\(getpid())".utf8).write(to: URL(filePath: "\(directory)/\(ownerFile)"))
  }

  /// Removes the directories of killed coordinators of this host, as far as they belong to the coordinator's own user.
  static func removeThoseOfTheDead() {
    let files = HostFiles()
    for name in files.names(in: root) where name.hasPrefix(prefix) {
      let owner =
        name.hasPrefix(spreadPrefix)
        ? files.text(of: "\(root)/\(name)/\(ownerFile)")
        : String(name.dropFirst(prefix.count).prefix { $0.isNumber })
      guard let process = owner.flatMap({ pid_t($0) }), process != getpid(), kill(process, 0) != 0, errno == ESRCH
      else { continue }
      EngineDirectories.remove("\(root)/\(name)")
    }
  }
}
