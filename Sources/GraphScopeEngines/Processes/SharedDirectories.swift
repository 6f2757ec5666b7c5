import FoundationEssentials
import Glibc

/// Where sessions' processes share memory and sockets: directories in memory, which tell their coordinator by its process.
enum SharedDirectories {
  private static let root = "/dev/shm"
  private static let prefix = "gscoordinator-"

  /// The directory of a session of this process.
  static func path(of session: String) -> String { "\(root)/\(prefix)\(getpid())-\(session)" }

  /// The directory of a session of several hosts, on each of them.
  static func path(ofSpread session: String) -> String { "\(root)/\(spreadPrefix)\(session)" }

  /// Where those are, for a shell.
  static let spreadPattern = "\(root)/\(spreadPrefix)*"

  private static let spreadPrefix = prefix + "hosts-"
  /// A file in them, on their coordinator's host alone: the number of its process.
  static let ownerFile = "coordinator"

  /// Notes in a directory that it is this process's.
  static func claim(_ directory: String) throws {
    try Data("\(getpid())".utf8).write(to: URL(filePath: "\(directory)/\(ownerFile)"))
  }

  /// Removes what coordinators of this host left that were killed. Only that of our own user can be removed.
  static func removeThoseOfTheDead() {
    let files = HostFiles()
    for name in files.names(in: root) where name.hasPrefix(prefix) {
      let owner =
        name.hasPrefix(spreadPrefix)
        ? files.text(of: "\(root)/\(name)/\(ownerFile)")
        : String(name.dropFirst(prefix.count).prefix { $0.isNumber })
      guard let process = owner.flatMap({ pid_t($0) }), process != getpid(), kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(root)/\(name)")
    }
  }
}
