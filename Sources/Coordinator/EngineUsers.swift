import Engines
import Glibc
import Scheduling

extension Coordinator {
  /// Returns the request for a session's engines on its allocation. If the access file gives its tenant a user, processes run as
  /// that user, who is granted access to the session's directory; engines inside this process have no user.
  /// - Throws: `CoordinatorError` if access cannot be granted.
  func engineRequest(for session: Session, on allocation: Allocation) throws -> EngineRequest {
    let size = EngineSize(allocation)
    let user = factory.isEmbedded(size) ? nil : places.user(of: session.tenant)
    if let user { try workspace.letThrough(user, to: session.id) }
    return EngineRequest(
      session: session.id, workspace: session.directory, size: size, storage: session.storage,
      children: SessionChildren(session: session.id, as: user, children),
      places: places.places(of: session.tenant, as: user))
  }
}

extension Workspace {
  /// The directory of libraries compiled for such users.
  public static let userLibraries = "user-libraries"

  /// Lets other users traverse the workspace to directories of sessions whose names they know; they cannot list anything, and the
  /// rest of the workspace stays inaccessible.
  /// - Throws: `CoordinatorError` if a parent directory of the workspace cannot be traversed.
  public func letThrough(_ user: EngineUser) throws {
    let passages = ["sessions", Self.userLibraries]
    for name in try directoryEntries(path) where !passages.contains(name) { try close(name) }
    for name in passages {
      try makeDirectory("\(path)/\(name)")
      try allowPassage("\(path)/\(name)")
    }
    try allowPassage(path)
    if isTemporary { try allowPassage(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])) }
    try requirePassage(user, to: "\(path)/sessions")
  }

  /// Grants a user access to a session's directory.
  func letThrough(_ user: EngineUser, to session: String) throws {
    try letThrough(user)
    try allowPassage(sessionDirectory(session))
  }

  /// Closes a directory of the workspace to others. Sockets are exempt: they check the identity of their peers.
  private func close(_ name: String) throws(CoordinatorError) {
    var info = stat()
    let path = "\(path)/\(name)"
    guard lstat(path, &info) == 0, [S_IFREG, S_IFDIR].contains(info.st_mode & S_IFMT), info.st_mode & 0o077 != 0 else {
      return
    }
    guard chmod(path, info.st_mode & 0o7700) == 0 || errno == ENOENT else {
      throw .system("cannot revoke the access of other users to", path)
    }
  }

  private func allowPassage(_ path: String) throws(CoordinatorError) {
    guard chmod(path, 0o711) == 0 else { throw .system("cannot let other users traverse", path) }
  }

  private func requirePassage(_ user: EngineUser, to directory: String) throws {
    guard let closed = try Self.obstacle(to: directory, for: user) else { return }
    throw CoordinatorError(
      .inputOutput,
      "the engines of this tenant run as the user \(user.name), who may not traverse '\(closed)', which leads to the "
        + "workspace '\(path)'. "
        + "Start the coordinator with a --workspace that every user can reach, such as /var/lib/gscoordinator"
    )
  }

  /// Returns the first directory on a path that a user cannot traverse; nil if there is none. Directories that do not exist are
  /// ignored.
  public static func obstacle(to directory: String, for user: EngineUser) throws -> String? {
    var passed = ""
    for part in directory.split(separator: "/") {
      let next = passed + "/" + part
      let failure = try user.files {
        var info = stat()
        return stat(next, &info) == 0 ? 0 : errno
      }
      if failure == EACCES { return passed.isEmpty ? "/" : passed }
      passed = next
    }
    return nil
  }
}
