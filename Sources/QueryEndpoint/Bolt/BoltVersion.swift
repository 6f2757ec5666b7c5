/// A version of the Bolt protocol.
struct BoltVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  let major: UInt8
  let minor: UInt8

  static let handshakeBytes = 20
  private static let magic: [UInt8] = [0x60, 0x60, 0xb0, 0x17]

  /// The versions that are spoken: 4.1 to 4.4 and 5.0 to 5.8.
  private static let supported: [UInt8: ClosedRange<UInt8>] = [4: 1...4, 5: 0...8]

  static func < (left: Self, right: Self) -> Bool { (left.major, left.minor) < (right.major, right.minor) }

  var description: String { "\(major).\(minor)" }

  /// Whether bytes begin as a handshake does.
  static func isHandshake(_ bytes: [UInt8]) -> Bool { bytes.prefix(magic.count) == magic[...] }

  /// Chooses a version from the 20 bytes of a handshake: the magic number and four proposals, the best first. A proposal has
  /// a reserved byte, the number of lower minor versions that it includes, the highest minor version, and the major version.
  /// A client that offers a manifest (`00 00 01 FF`) proposes single versions behind it and takes an answer in the old form.
  /// - Returns: nil if no proposal is spoken.
  static func negotiate(_ handshake: [UInt8]) -> BoltVersion? {
    guard handshake.count == handshakeBytes, isHandshake(handshake) else { return nil }
    for start in stride(from: magic.count, to: handshakeBytes, by: 4) {
      let (range, minor, major) = (handshake[start + 1], handshake[start + 2], handshake[start + 3])
      guard let spoken = supported[major] else { continue }
      let proposed = (minor >= range ? minor - range : 0)...minor
      let highest = min(proposed.upperBound, spoken.upperBound)
      if highest >= max(proposed.lowerBound, spoken.lowerBound) { return BoltVersion(major: major, minor: highest) }
    }
    return nil
  }

  /// LOGON and LOGOFF are messages of their own.
  var hasLogon: Bool { self >= BoltVersion(major: 5, minor: 1) }
  /// Elements have identifiers that are text.
  var hasElementIDs: Bool { major >= 5 }
  /// ROUTE is a message.
  var hasRoute: Bool { self >= BoltVersion(major: 4, minor: 3) }
  /// ROUTE has a map at its end rather than the name of a database.
  var hasRouteExtra: Bool { self >= BoltVersion(major: 4, minor: 4) }
  /// Clients may ask for instants in UTC, which version 5 always has.
  var hasPatches: Bool { major == 4 && minor >= 3 }
  /// Clients report which of their calls are used.
  var hasTelemetry: Bool { self >= BoltVersion(major: 5, minor: 4) }
  /// Failures carry codes of the standard GQL.
  var hasStandardCodes: Bool { self >= BoltVersion(major: 5, minor: 7) }
}
