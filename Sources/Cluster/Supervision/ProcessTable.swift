import CPlatform
import Glibc

/// What `/proc` tells about processes; see proc(5).
enum ProcessTable {
  /// The variable by which a child and its descendants are known.
  static let tokenVariable = "GSCOORDINATOR_CHILD"
  /// Longer environments are looked at no further.
  private static let environmentBytes = 256 * 1024

  /// A process at one moment.
  struct Entry: Equatable {
    var state: UInt8
    var parent: Int32
    var session: Int32
    /// In clock ticks since the machine started. Together with the number it names a process of one boot.
    var startTime: UInt64

    var isZombie: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
  }

  /// This run of the machine.
  static let bootID: String = {
    let bytes = readFile("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
    return String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)
  }()

  /// Every process that can be seen.
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

  /// A process; nil when it is gone.
  static func entry(_ process: Int32) -> Entry? {
    guard let bytes = readFile("/proc/\(process)/stat", limit: 4096) else { return nil }
    // The name, in parentheses, may contain anything; the fields begin behind the last one.
    guard let nameEnd = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = bytes[(nameEnd + 1)...].split(separator: 32)
    // The first is field 3.
    guard fields.count > 19, let state = fields[0].first else { return nil }
    func number(_ field: Int) -> UInt64 { UInt64(String(decoding: fields[field - 3], as: UTF8.self)) ?? 0 }
    return Entry(
      state: state, parent: Int32(truncatingIfNeeded: number(4)), session: Int32(truncatingIfNeeded: number(6)),
      startTime: number(22))
  }

  /// The token in a process's environment; nil when it has none, is gone, or is not ours to look into.
  static func token(_ process: Int32) -> String? {
    guard var bytes = readFile("/proc/\(process)/environ", limit: environmentBytes) else { return nil }
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

  /// What belongs to a child: processes with its token, and those of its session. Zombies are left out.
  /// - Parameters:
  ///   - tokens: the tokens to look for.
  ///   - sessions: sessions that cannot have ended, with the token to report their members under.
  static func members(tokens: Set<String>, sessions: [Int32: String] = [:]) -> [(
    token: String, process: ProcessReference
  )] {
    var found: [(token: String, process: ProcessReference)] = []
    for number in processes() where number != getpid() {
      guard belongs(number, tokens, sessions) != nil, let process = ProcessReference(existing: number) else { continue }
      // Again, now that the number cannot pass to a stranger unnoticed.
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

  /// A file's bytes, at most `limit`; nil when it cannot be read.
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

/// One process, and never another one that got its number later. Closes its descriptor when it is released.
final class ProcessReference {
  let number: Int32
  /// Readable when the process has ended.
  let descriptor: Int32
  /// Whether we started it: only then its exit status is ours to learn.
  let isOurChild: Bool

  /// A child that was just started.
  init(child number: Int32, descriptor: Int32) {
    self.number = number
    self.descriptor = descriptor
    isOurChild = true
  }

  /// A process that runs, whoever it is; nil when there is none. Check its identity *after* this.
  init?(existing number: Int32) {
    let descriptor = platform_pidfd_open(number)
    guard descriptor >= 0 else { return nil }
    self.number = number
    self.descriptor = descriptor
    isOurChild = false
  }

  deinit { close(descriptor) }

  /// False once it has ended, also while it is a zombie.
  var isAlive: Bool {
    var ended = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&ended, 1, 0) == 0
  }

  /// Signals this process; one that is gone is no error.
  func signal(_ number: Int32) { _ = platform_pidfd_signal(descriptor, number) }

  /// Signals its process group, whose number is its own. While it lives, or is our zombie, the number is nobody else's.
  func signalGroup(_ signal: Int32) {
    if isOurChild || isAlive { kill(-number, signal) }
  }

  /// How a child of ours ended; nil when it has not. It stays a zombie until `reap`.
  func exitStatus(reap: Bool = false) -> (signaled: Bool, status: Int32)? {
    var code: Int32 = 0
    var status: Int32 = 0
    guard platform_pidfd_wait(descriptor, reap ? 1 : 0, &code, &status) == 1 else { return nil }
    return (code != 0, status)
  }
}

/// Whether something accepts connections on a port of 127.0.0.1. A handshake over the loopback is done when `connect`
/// returns, unless the listener's queue is full.
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
