import Engines
import Glibc
import Support
import Synchronization

/// An object whose record is in the workspace but which `recover` was not asked for.
struct UnclaimedObject: Sendable {
  let key: String
  /// The name of its graph's directory; nil if its record cannot be read, or it is a graph of graphscope.nx.
  let directory: String?
  /// Whether its record cannot be read.
  var isDamaged = false
  /// Directories that may belong to the object, if its record cannot be read.
  var orphans: [String] = []
}

extension EmbeddedAnalyticalEngine: KeepsUnclaimedObjects {
  /// Returns the names of the files that belong to a single object.
  static func fileNames(of key: String) -> [String] {
    ["\(key).object", "\(key).values", "\(key).json", "\(key).changes"]
  }

  /// Removes the files that belong to a single object, the record first: without it the others belong to no object.
  func removeFiles(of key: String) {
    guard !key.holdsByte(of: "/\0") else { return }
    for name in Self.fileNames(of: key) { removeTree("\(workspace)/\(name)") }
  }

  /// Runs the last part of creating an object with a new key. On failure, removes all files of the object.
  func removing<Result>(_ key: String, unless body: () throws -> Result) throws -> Result {
    do { return try body() } catch {
      removeFiles(of: key)
      removeTree("\(workspace)/\(key)")
      throw error
    }
  }

  // MARK: Unclaimed objects

  /// Returns the keys of objects whose records are in the workspace and which `recover` was not asked for.
  public func unclaimedObjects() async -> [String] { objects.withLock { $0.unclaimed.keys.sorted() } }

  /// Removes an unclaimed object, and the files of its graph unless other objects need them.
  public func discard(unclaimed key: String) async {
    guard let (object, directory) = objects.withLock({ $0.removeUnclaimed(key) }) else { return }
    removeFiles(of: key)
    for name in object.orphans + (directory.map { [$0] } ?? []) { removeTree("\(workspace)/\(name)") }
  }

  /// Moves the files of an unclaimed object to `directory`; those of a graph that other objects need are linked there instead.
  public func setAside(unclaimed key: String, to directory: String) async throws {
    guard let object = objects.withLock({ $0.unclaimed[key] }) else { return }
    let place = directory + "/" + workspace.split(separator: "/").last!
    try makeDirectory(place)
    if let name = object.directory { try linkFiles(name, to: place) }
    for name in Self.fileNames(of: key) + object.orphans { try moveFile(name, to: place) }
    if let name = objects.withLock({ $0.removeUnclaimed(key) })?.directory { removeTree("\(workspace)/\(name)") }
  }

  private func moveFile(_ name: String, to place: String) throws(EngineError) {
    guard rename("\(workspace)/\(name)", "\(place)/\(name)") == 0 || errno == ENOENT else {
      throw .cannotSetAside("\(workspace)/\(name)")
    }
  }

  /// Links the files of a graph to a second place, as other objects may need them at the first.
  private func linkFiles(_ name: String, to place: String) throws(EngineError) {
    try makeDirectory("\(place)/\(name)")
    for file in try entries("\(workspace)/\(name)") {
      guard link("\(workspace)/\(name)/\(file)", "\(place)/\(name)/\(file)") == 0 || errno == EEXIST else {
        throw .cannotSetAside("\(workspace)/\(name)/\(file)")
      }
    }
  }
}

extension EngineError {
  fileprivate static func cannotSetAside(_ path: String) -> EngineError {
    EngineError(.engineFailure, "cannot set '\(path)' aside", evidence: String(cString: strerror(errno)))
  }
}
