import Glibc

/// An address of the internet protocol's version 4, the one that OpenMPI's transport speaks.
struct IPv4Address: Sendable, Equatable, CustomStringConvertible {
  let bits: UInt32

  init(bits: UInt32) { self.bits = bits }

  /// The address in a text of four numbers; nil if it is none.
  init?(_ text: some StringProtocol) {
    var address = in_addr()
    guard inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
    bits = UInt32(bigEndian: address.s_addr)
  }

  var description: String { [24, 16, 8, 0].map { "\(bits >> $0 & 0xFF)" }.joined(separator: ".") }

  /// The address of a host by its name; nil if it has none. It may take seconds.
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

/// A range of addresses: `10.1.2.0/24`.
struct IPv4Network: Sendable, Equatable, CustomStringConvertible {
  private let base: UInt32
  let prefixLength: Int

  init(_ address: IPv4Address, prefixLength: Int) {
    self.prefixLength = prefixLength
    base = address.bits & Self.mask(prefixLength)
  }

  /// The network in a text; nil if it is none.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]), (1...32).contains(length)
    else { return nil }
    self.init(address, prefixLength: length)
  }

  var description: String { "\(IPv4Address(bits: base))/\(prefixLength)" }

  /// Whether an address is in it.
  func contains(_ address: IPv4Address) -> Bool { address.bits & Self.mask(prefixLength) == base }

  private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : ~0 << (32 - UInt32(length)) }
}

/// An address of this host, and the network behind it.
struct HostInterface: Sendable, Equatable {
  let address: IPv4Address
  let network: IPv4Network

  /// The addresses of this host that are up.
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

  /// Our address on the way to another host; nil if there is no way.
  static func ownAddress(toward other: IPv4Address) -> IPv4Address? {
    // A datagram socket that is connected sends nothing, and has chosen its way.
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
