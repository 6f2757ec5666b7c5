import Logging

/// Detects changes of the token file, and tokens that expire.
public struct TokenWatch: Sendable {
  /// The interval between checks of the file.
  public static let interval = Duration.milliseconds(500)

  private let file: TokenFile?
  private let access: AccessControl
  private let logger: Logger

  /// Makes a watch that updates an access control from a file; without a file, it only detects tokens that expire.
  public init(_ file: TokenFile?, for access: AccessControl, logger: Logger) {
    self.file = file
    self.access = access
    self.logger = logger
  }

  /// Runs until the task is cancelled.
  ///
  /// While the file cannot be used, the tokens stay as they are: an editor or a copy may remove it for a moment, and this must
  /// not end the calls of all clients. The error is logged until the file can be used again.
  /// - Parameters:
  ///   - stamp: the attributes of the file when the access control read its tokens.
  ///   - onEnded: called with the ids of the tokens that were valid and are no longer.
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
      logger.notice("reloaded the tokens", metadata: ["tokens": "\(tokens.count)"])
    } catch {
      logger.error(
        "cannot reload the token file; the previous tokens stay valid", metadata: ["reason": "\(error)"])
    }
  }
}
