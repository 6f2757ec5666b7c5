import FoundationEssentials
import Glibc
import StateStore
import Support

/// An entry of `lost+found`: it may contain a client's data, but its owner was unknown.
public struct SetAside: Codable, Sendable {
  /// The kinds of entries.
  public enum Kind: String, Codable, Sendable {
    /// The whole directory of a session.
    case session
    /// Objects of a session that continues without them.
    case objects
  }

  /// The name of its directory in `lost+found`.
  public var name: String
  /// The kind of the entry.
  public var kind: Kind
  /// The session's name, which is also the name of its directory.
  public var session: String
  /// The engine's keys of the objects.
  public var keys: [String]
  /// The reason.
  public var reason: String
  /// When it was set aside, in milliseconds since 1970.
  public var milliseconds: Int64
  /// The lines of the session's record about the objects.
  var objects: [SessionRecord.Line]?
}

/// The directory `lost+found` in the workspace, for files that belong to nothing named by the state store. Files are moved there
/// within the file system, never copied. They are kept for a limited time, during which `gscoordinator state repair` can restore
/// them.
public struct LostAndFound: Sendable {
  private let workspace: String
  private var root: String { workspace + "/lost+found" }
  private static let (note, files) = ("note.json", "files")

  /// Creates a reference to the `lost+found` of a workspace.
  public init(workspace: String) { self.workspace = workspace }

  // MARK: Setting aside

  /// Sets aside the directory of a session, or whatever has its name.
  func setAsideSession(_ id: String, _ reason: String) throws(CoordinatorError) -> SetAside {
    let entry = try makeEntry(
      SetAside(name: "", kind: .session, session: id, keys: [], reason: reason, milliseconds: nowMilliseconds()))
    let (from, to) = ("\(workspace)/sessions/\(id)", "\(root)/\(entry.name)/\(Self.files)")
    guard rename(from, to) == 0 else {
      let code = errno
      try? removeTree("\(root)/\(entry.name)")
      throw .system("cannot set aside", from, errno: code)
    }
    return entry
  }

  /// Creates an entry for objects of a session.
  /// - Returns: The entry, and a directory for the session's files, with the same relative paths.
  func makePlace(
    for keys: [String], of id: String, _ objects: [SessionRecord.Line], _ reason: String
  ) throws(CoordinatorError) -> (entry: SetAside, directory: String) {
    let entry = try makeEntry(
      SetAside(
        name: "", kind: .objects, session: id, keys: keys, reason: reason, milliseconds: nowMilliseconds(),
        objects: objects))
    let directory = "\(root)/\(entry.name)/\(Self.files)"
    try makeDirectory(directory)
    return (entry, directory)
  }

  private func makeEntry(_ proposed: SetAside) throws(CoordinatorError) -> SetAside {
    var entry = proposed
    entry.name = "\(entry.milliseconds)-\(randomStateID())"
    let directory = "\(root)/\(entry.name)"
    try makeDirectory(directory)
    let text = (try? JSONEncoder().encode(entry)) ?? Data()
    let path = "\(directory)/\(Self.note)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system("cannot create", path) }
    defer { close(descriptor) }
    guard text.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == text.count else {
      throw .system("cannot write", path)
    }
    return entry
  }

  // MARK: Listing

  /// Returns all entries, newest first.
  /// - Throws: `CoordinatorError` if the directory exists and cannot be read.
  public func list() throws(CoordinatorError) -> [SetAside] {
    var info = stat()
    guard lstat(root, &info) == 0 || errno != ENOENT else { return [] }
    return try directoryEntries(root).compactMap { entry($0) }.sorted { $0.milliseconds > $1.milliseconds }
  }

  private func entry(_ name: String) -> SetAside? {
    var info = stat()
    guard lstat("\(root)/\(name)/\(Self.files)", &info) == 0 else { return nil }
    let data = FileManager.default.contents(atPath: "\(root)/\(name)/\(Self.note)")
    let noted = data.flatMap { try? JSONDecoder().decode(SetAside.self, from: $0) }
    guard var entry = noted else {
      // Its description is damaged, so the contents must be inspected.
      return SetAside(
        name: name, kind: .objects, session: "?", keys: [], reason: "the note about it cannot be read",
        milliseconds: Int64(info.st_ctim.tv_sec) * 1000)
    }
    entry.name = name
    return entry
  }

  /// Returns the directory with the files of an entry.
  public func path(of entry: SetAside) -> String { "\(root)/\(entry.name)/\(Self.files)" }

  // MARK: Restoring

  /// Restores the directory of a session, if there is an entry for it and its path is free.
  /// - Returns: Whether it was restored.
  func bringBackSession(_ id: String) throws(CoordinatorError) -> Bool {
    guard let entry = try list().first(where: { $0.kind == .session && $0.session == id }) else { return false }
    return try bringBack(entry)
  }

  /// Moves an entry back into its session's directory.
  /// - Returns: False if other files are in its place; the entry stays then.
  func bringBack(_ entry: SetAside) throws(CoordinatorError) -> Bool {
    guard isSessionName(entry.session) else { return false }
    let target = "\(workspace)/sessions/\(entry.session)"
    var info = stat()
    switch entry.kind {
    case .session:
      guard lstat(target, &info) != 0, errno == ENOENT else { return false }
      guard rename(path(of: entry), target) == 0 else { throw .system("cannot move from lost+found to", target) }
    case .objects:
      guard lstat(target, &info) == 0, try merge(path(of: entry), into: target) else { return false }
    }
    try removeTree("\(root)/\(entry.name)")
    return true
  }

  /// Moves the contents of a directory to the same relative paths in another one; files that exist in both stay.
  /// - Returns: Whether everything was moved, except for identical files.
  private func merge(_ from: String, into target: String) throws(CoordinatorError) -> Bool {
    var isWhole = true
    for name in try directoryEntries(from) {
      let (source, place) = ("\(from)/\(name)", "\(target)/\(name)")
      var (old, new) = (stat(), stat())
      guard lstat(source, &new) == 0 else { throw .system("cannot examine", source) }
      guard lstat(place, &old) == 0 else {
        guard rename(source, place) == 0 else { throw .system("cannot move from lost+found to", place) }
        continue
      }
      if new.st_mode & S_IFMT == S_IFDIR, old.st_mode & S_IFMT == S_IFDIR {
        if try !merge(source, into: place) { isWhole = false }
      } else if new.st_ino != old.st_ino || new.st_dev != old.st_dev {
        isWhole = false
      }
    }
    return isWhole
  }

  // MARK: Limits

  /// Removes entries older than `age`, and the oldest ones beyond `count`. Entries are never removed otherwise.
  /// - Returns: The removed entries.
  func prune(olderThan age: Duration, beyond count: Int) throws(CoordinatorError) -> [SetAside] {
    let limit = nowMilliseconds() - age.components.seconds * 1000
    let entries = try list()
    let victims = entries.enumerated().filter { $0.offset >= count || $0.element.milliseconds < limit }.map(\.element)
    // A failed removal is retried at the next start and does not affect others.
    return victims.filter { (try? removeTree("\(root)/\($0.name)")) != nil }
  }
}
