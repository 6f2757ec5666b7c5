import CPlatform
import Glibc

/// A user of this machine that a session's processes run as, when it is not the coordinator's own user.
public struct EngineUser: Sendable, Equatable {
  /// The user name, or the user id in decimal for a user without a name.
  public var name: String
  /// The user id.
  public var number: UInt32
  /// The id of the primary group.
  public var group: UInt32
  /// The ids of all groups.
  public var groups: [UInt32]

  /// Creates a user.
  public init(name: String, number: UInt32, group: UInt32, groups: [UInt32]) {
    (self.name, self.number, self.group, self.groups) = (name, number, group, groups)
  }

  /// Runs the body with the rights of this user: files are opened, created and removed as this user, and new files belong to it.
  /// Affects the calling thread only; the body must not wait for other threads.
  /// - Throws: `EngineError.permissionDenied` when this process may not act as another user; any error of the body.
  public func files<Result>(_ body: () throws -> Result) throws -> Result {
    let code = groups.withUnsafeBufferPointer { groups in
      var user = platform_user(
        user: number, group: group, groups: groups.baseAddress, group_count: Int32(groups.count))
      return platform_files_as(&user)
    }
    guard code == 0 else {
      throw EngineError(
        .permissionDenied, "files cannot be accessed as the user \(name): \(String(cString: strerror(code)))",
        hint: "run_as requires that the coordinator runs as root")
    }
    defer { platform_files_as_ourselves() }
    return try body()
  }
}

extension EngineUser? {
  /// Runs the body as `EngineUser.files(_:)` does, or as the coordinator's own user when no user is set.
  public func files<Result>(_ body: () throws -> Result) throws -> Result {
    guard let self else { return try body() }
    return try self.files(body)
  }

  /// Opens or creates a file or directory as this user. Works as `files(_:)` for a system call that returns a descriptor or a
  /// negative errno.
  public func opening(_ body: () -> Int32) -> Int32 {
    do { return try files(body) } catch { return -EPERM }
  }
}
