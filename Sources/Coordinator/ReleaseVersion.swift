/// The part of a Python package version that determines compatibility. The format is PEP 440; epochs, pre-release and local parts
/// are accepted and ignored.
public struct ReleaseVersion: Sendable, Hashable, CustomStringConvertible {
  /// The releases of clients that were tested with this server and speak the same protocol.
  public static let others: Set<ReleaseVersion> = [ReleaseVersion(0, 27), ReleaseVersion(0, 28)]

  /// The first number.
  public let major: Int
  /// The second number; 0 if missing.
  public let minor: Int

  /// The version as text, such as `0.29`.
  public var description: String { "\(major).\(minor)" }

  private init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

  /// Parses a version; nil if the text does not begin with a number.
  public init?(_ text: String) {
    let release = text.drop { $0 == "v" || $0 == "V" || $0 == " " }
    let numbers = release.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard let first = numbers.first, let major = Int(first) else { return nil }
    self.major = major
    guard numbers.count > 1 else {
      minor = 0
      return
    }
    guard let minor = Int(numbers[1].prefix { $0.isASCII && $0.isNumber }) else { return nil }
    self.minor = minor
  }
}
