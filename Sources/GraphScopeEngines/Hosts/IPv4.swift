import Glibc

/// An IPv4 address. OpenMPI's transport uses IPv4.
struct IPv4Address: Sendable, Equatable, CustomStringConvertible {
  let bits: UInt32

  init(bits: UInt32) { self.bits = bits }

  /// Parses an address in dotted decimal notation; returns nil if it is malformed.
  init?(_ text: some StringProtocol) {
    var address = in_addr()
    guard inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
    bits = UInt32(bigEndian: address.s_addr)
  }

  var description: String { [24, 16, 8, 0].map { "\(bits >> $0 & 0xFF)" }.joined(separator: ".") }

  /// Looks up the address of a host; returns nil if it has none. May take seconds.
  static func lookUp(_ name: String) -> IPv4Address? {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, &hints, &list) == 0, let list else { return nil }
    defer { freeaddrinfo(list) }
    return list.pointee.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      IPv4Address(bits: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
    }
  }
}

/// An IPv4 network in prefix notation, such as `10.1.2.0/24`.
struct IPv4Network: Sendable, Equatable, CustomStringConvertible {
  private let base: UInt32
  let prefixLength: Int

  init(_ address: IPv4Address, prefixLength: Int) {
    self.prefixLength = prefixLength
    base = address.bits & Self.mask(prefixLength)
  }

  /// Parses a network; returns nil if it is malformed.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]), (1...32).contains(length)
    else { return nil }
    self.init(address, prefixLength: length)
  }

  var description: String { "\(IPv4Address(bits: base))/\(prefixLength)" }

  /// Returns whether an address belongs to the network.
  func contains(_ address: IPv4Address) -> Bool { address.bits & Self.mask(prefixLength) == base }

  private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : ~0 << (32 - UInt32(length)) }
}

/// An address of this host, and the network that it belongs to.
struct HostInterface: Sendable, Equatable {
  let address: IPv4Address
  let network: IPv4Network

  /// Returns the addresses of this host's interfaces that are up.
  static func all() -> [HostInterface] {
    var head: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&head) == 0 else { return [] }
    defer { freeifaddrs(head) }
    var interfaces: [HostInterface] = []
    var next = head
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard entry.ifa_flags & UInt32(IFF_UP) != 0, let address = address(entry.ifa_addr),
        let mask = Self.address(entry.ifa_netmask)
      else { continue }
      let network = IPv4Network(address, prefixLength: mask.bits.nonzeroBitCount)
      interfaces.append(HostInterface(address: address, network: network))
    }
    return interfaces
  }

  private static func address(_ pointer: UnsafeMutablePointer<sockaddr>?) -> IPv4Address? {
    guard let pointer, pointer.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
    return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      IPv4Address(bits: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
    }
  }

  /// Returns the address of this host on the route to another host; nil if there is no route.
  static func ownAddress(toward other: IPv4Address) -> IPv4Address? {
    // Connecting a datagram socket sends nothing, but selects the route.
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(9).bigEndian
    address.sin_addr.s_addr = other.bits.bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard connect(descriptor, address, size) == 0, getsockname(descriptor, address, &size) == 0 else { return nil }
        return Self.address(address)
      }
    }
  }
}
