/// Why a learning request was rejected.
///
/// The client shows one character, whose code is the length of the text plus one, and fails to decode the answer if that is not
/// below 128 (contract "learning", section 8). Texts are therefore at most 126 bytes; longer ones are truncated.
struct LearningError: Error, Equatable, CustomStringConvertible {
  /// The exception that the client raises.
  enum Code { case invalidArgument, notFound, outOfRange, failedPrecondition, resourceExhausted, unimplemented }

  /// The maximum length of a text, in bytes.
  static let maximumBytes = 126

  let code: Code
  let description: String

  init(_ code: Code, _ text: String) {
    self.code = code
    description = Self.truncated(text)
  }

  private static func truncated(_ text: String) -> String {
    guard text.utf8.count > maximumBytes else { return text }
    var result = ""
    for character in text {
      guard result.utf8.count + character.utf8.count <= maximumBytes - 3 else { break }
      result.append(character)
    }
    return result + "…"
  }
}
