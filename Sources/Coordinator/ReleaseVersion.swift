/// The part of a Python package version that decides compatibility. The format: PEP 440; epochs, pre-release and local
/// parts are accepted and do not count.
struct ReleaseVersion {
  /// The first number.
  let major: Int
  /// The second number; 0 when it is missing.
  let minor: Int

  /// Reads a version; nil when the text does not begin with a number.
  init?(_ text: String) {
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
