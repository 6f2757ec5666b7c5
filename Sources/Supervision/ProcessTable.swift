import CPlatform
import Glibc

/// Reads information about processes from `/proc`; see proc(5).
enum ProcessTable {
  /// The environment variable that identifies a child and its descendants.
  static let tokenVariable = "GSCOORDINATOR_CHILD"
  /// The maximum number of bytes of an environment to search.
  private static let environmentBytes = 256 * 1024

  /// A snapshot of one process.
  struct Entry: Equatable {
    var state: UInt8
    var parent: Int32
    var session: Int32
    /// The start time in clock ticks since boot. Together with the id, it identifies a process uniquely within one boot.
    var startTime: UInt64

    var isZombie: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
  }

  /// The kernel's id of the current boot.
  static let bootID: String = {
    let bytes = readFile("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
    return String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)
  }()

  /// Returns the ids of all visible processes.
  static func processes() -> [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let first = entry.pointee.d_name.0
      guard first >= 48, first <= 57 else { continue }
      let number = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { strtol($0, nil, 10) }
      }
      found.append(Int32(truncatingIfNeeded: number))
    }
    return found
  }

  /// Returns a snapshot of a process; nil if it is gone.
  static func entry(_ process: Int32) -> Entry? {
    guard let bytes = readFile("/proc/\(process)/stat", limit: 4096) else { return nil }
    // The name, in parentheses, may contain any character; the fields start after the last parenthesis.
    guard let nameEnd = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = bytes[(nameEnd + 1)...].split(separator: 32)
    // The first element is field 3 of proc(5).
    guard fields.count > 19, let state = fields[0].first else { return nil }
    func number(_ field: Int) -> UInt64 { UInt64(String(decoding: fields[field - 3], as: UTF8.self)) ?? 0 }
    return Entry(
      state: state, parent: Int32(truncatingIfNeeded: number(4)), session: Int32(truncatingIfNeeded: number(6)),
      startTime: number(22))
  }

  /// Returns the token in a process's environment; nil if there is none, the process is gone, or its environment is not readable.
  static func token(_ process: Int32) -> String? {
    guard var bytes = environment(process) else { return nil }
    bytes.append(0)
    let wanted = tokenVariable + "="
    return bytes.withUnsafeBytes { raw in
      var position = raw.baseAddress!.assumingMemoryBound(to: CChar.self)
      let end = position + raw.count
      while position < end {
        if strncmp(position, wanted, wanted.utf8.count) == 0 {
          return String(cString: position + wanted.utf8.count)
        }
        position += strlen(position) + 1
      }
      return nil
    }
  }

  /// Returns the environment of a process. Where root may not read that of other users' processes, as in a container without
  /// CAP_SYS_PTRACE, reads it with the rights of that user.
  private static func environment(_ process: Int32) -> [UInt8]? {
    let path = "/proc/\(process)/environ"
    if let bytes = readFile(path, limit: environmentBytes) { return bytes }
    var info = stat()
    guard errno == EACCES || errno == EPERM, geteuid() == 0, stat("/proc/\(process)", &info) == 0, info.st_uid != 0
    else {
      return nil
    }
    var user = platform_user(user: info.st_uid, group: info.st_gid, groups: nil, group_count: 0)
    guard platform_files_as(&user) == 0 else { return nil }
    defer { platform_files_as_ourselves() }
    return readFile(path, limit: environmentBytes)
  }

  /// Returns the processes of children: those with one of the tokens, and the members of their sessions. Zombies are omitted.
  /// - Parameters:
  ///   - tokens: The tokens to look for.
  ///   - sessions: Sessions that cannot have ended, with the token to report their members under.
  static func members(tokens: Set<String>, sessions: [Int32: String] = [:]) -> [(
    token: String, process: ProcessReference
  )] {
    var found: [(token: String, process: ProcessReference)] = []
    for number in processes() where number != getpid() {
      guard belongs(number, tokens, sessions) != nil, let process = ProcessReference(existing: number) else { continue }
      // Check again: from here on, the id cannot be reused unnoticed.
      guard let token = belongs(number, tokens, sessions), process.isAlive else { continue }
      found.append((token, process))
    }
    return found
  }

  private static func belongs(_ process: Int32, _ tokens: Set<String>, _ sessions: [Int32: String]) -> String? {
    guard let entry = entry(process), !entry.isZombie else { return nil }
    if let token = sessions[entry.session] { return token }
    guard let token = token(process), tokens.contains(token) else { return nil }
    return token
  }

  /// Returns at most `limit` bytes of a file; nil if it cannot be read.
  static func readFile(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var failed = false
    while bytes.count < limit, !failed {
      let before = bytes.count
      let step = min(limit - before, before == 0 ? 4096 : 65536)
      let chunk = [UInt8](unsafeUninitializedCapacity: step) { buffer, count in
        let got = read(descriptor, buffer.baseAddress, step)
        failed = got < 0
        count = max(0, got)
      }
      if chunk.isEmpty { break }
      bytes += chunk
    }
    return failed ? nil : bytes
  }
}

/// A reference to one process, never to a later one with the same id. Closes its descriptor when deallocated.
final class ProcessReference {
  let number: Int32
  /// A pidfd, which becomes readable when the process ends.
  let descriptor: Int32
  /// Whether this process is its parent, and can read its exit status.
  let isOurChild: Bool

  /// Creates a reference to a child that was just started.
  init(child number: Int32, descriptor: Int32) {
    self.number = number
    self.descriptor = descriptor
    isOurChild = true
  }

  /// Creates a reference to any running process; nil if there is none. Verify its identity *afterwards*.
  init?(existing number: Int32) {
    let descriptor = platform_pidfd_open(number)
    guard descriptor >= 0 else { return nil }
    self.number = number
    self.descriptor = descriptor
    isOurChild = false
  }

  deinit { close(descriptor) }

  /// Whether the process runs; false for a zombie.
  var isAlive: Bool {
    var ended = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&ended, 1, 0) == 0
  }

  /// Sends a signal to the process; does nothing if it is gone.
  func signal(_ number: Int32) { _ = platform_pidfd_signal(descriptor, number) }

  /// Sends a signal to its process group, which has the same id. The id cannot be reused while the process lives or is an
  /// unreaped child.
  func signalGroup(_ signal: Int32) {
    if isOurChild || isAlive { kill(-number, signal) }
  }

  /// Returns the exit status; nil if the process has not ended or is not a child. It stays a zombie until `reap` is true.
  func exitStatus(reap: Bool = false) -> (signaled: Bool, status: Int32)? {
    var code: Int32 = 0
    var status: Int32 = 0
    guard isOurChild, platform_pidfd_wait(descriptor, reap ? 1 : 0, &code, &status) == 1 else { return nil }
    return (code != 0, status)
  }
}

/// Returns whether a port of 127.0.0.1 accepts connections. Over the loopback, the handshake is complete when `connect` returns,
/// unless the listener's queue is full.
func portAccepts(_ port: UInt16) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let outcome = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  if outcome == 0 { return true }
  guard errno == EINPROGRESS else { return false }
  var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  guard poll(&ready, 1, 0) == 1 else { return false }
  var failure: Int32 = 0
  var size = socklen_t(MemoryLayout<Int32>.size)
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0
}
