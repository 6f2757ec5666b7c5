/// The error for a text that is not JSON.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the grammar requires at this position, for example `a key`.
  public let expected: String
  /// The offset in bytes, from 0, of the first byte that is not JSON.
  public let position: Int

  /// Creates an error.
  public init(expected: String, position: Int) {
    self.expected = expected
    self.position = position
  }

  /// Expectation and position in one sentence.
  public var description: String { "not JSON: expected \(expected) at byte \(position)" }
}
