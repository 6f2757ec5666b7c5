import FoundationEssentials
import Glibc

/// Where sessions' processes share memory and sockets: directories in memory, which tell their coordinator by its process.
enum SharedDirectories {
  private static let root = "/dev/shm"
  private static let prefix = "gscoordinator-"

  /// The directory of a session of this process.
  static func path(of session: String) -> String { "\(root)/\(prefix)\(getpid())-\(session)" }

  /// Removes what coordinators left that were killed. Only that of our own user can be removed.
  static func removeThoseOfTheDead() {
    for name in HostFiles().names(in: root) where name.hasPrefix(prefix) {
      guard let process = pid_t(name.dropFirst(prefix.count).prefix { $0.isNumber }), process != getpid(),
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(root)/\(name)")
    }
  }
}
