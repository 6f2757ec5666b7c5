import Logging

/// Notices changes of the token file, and tokens that run out.
public struct TokenWatch: Sendable {
  /// How often the file is looked at.
  public static let interval = Duration.milliseconds(500)

  private let file: TokenFile?
  private let access: AccessControl
  private let logger: Logger

  /// Watches a file for an access control; without a file, the time alone.
  public init(_ file: TokenFile?, for access: AccessControl, logger: Logger) {
    self.file = file
    self.access = access
    self.logger = logger
  }

  /// Goes on until the task is cancelled.
  ///
  /// A file that cannot be used leaves the tokens as they are: an editor's or a copy's moment without a file must not end
  /// everybody's work. It is an error in the log until it can be used again.
  /// - Parameters:
  ///   - stamp: what the file was like when the access control got its tokens.
  ///   - onEnded: told the ids of tokens that were valid and are no more.
  public func run(since stamp: TokenFile.Stamp?, onEnded: @Sendable (Set<String>) async -> Void) async {
    var stamp = stamp
    let clock = ContinuousClock()
    while (try? await clock.sleep(for: Self.interval)) != nil {
      if let file, file.stamp != stamp {
        stamp = file.stamp
        take(file)
      }
      let ended = access.takeEnded()
      if !ended.isEmpty { await onEnded(ended) }
    }
  }

  private func take(_ file: TokenFile) {
    do {
      let tokens = try file.read()
      try access.replace(try TokenSet(tokens))
      logger.notice("the tokens were read again", metadata: ["tokens": "\(tokens.count)"])
    } catch {
      logger.error(
        "the token file cannot be used; the tokens stay as they were", metadata: ["reason": "\(error)"])
    }
  }
}
