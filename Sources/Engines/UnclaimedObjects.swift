/// An engine that keeps complete objects which it found in its workspace but was not asked to recover. Neither these objects nor
/// their files disappear without an explicit decision.
public protocol KeepsUnclaimedObjects: AnalyticalEngine {
  /// Returns the keys of the objects that `recover` found without being asked for them.
  func unclaimedObjects() async -> [String]

  /// Removes such an object together with its files.
  func discard(unclaimed key: String) async

  /// Moves the files of such an object out of the session's directory into `directory`, which must exist. The files keep their
  /// paths relative to the session's directory.
  /// - Throws: `EngineError`; the files are then in their old place, or in part in both places.
  func setAside(unclaimed key: String, to directory: String) async throws
}
