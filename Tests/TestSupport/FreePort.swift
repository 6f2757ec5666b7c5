import Glibc
import Synchronization
import Testing

/// A port of 127.0.0.1 on which nothing listens and that no other test got before.
///
/// It is from below the range that the kernel takes for outgoing connections, since the tests beside this one make
/// many: one of theirs would have the port before the process that is to listen on it has started.
public func freePort() throws -> UInt16 {
  for _ in 0..<1_000 {
    let port = lastPort.withLock { last in
      last = last < 32_000 ? last + 1 : 10_000
      return last
    }
    if isFree(port) { return port }
  }
  Issue.record("a thousand ports, and none was free")
  return 0
}

private let lastPort = Mutex(UInt16.random(in: 10_000..<32_000))

private func isFree(_ port: UInt16) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}
