/// Tracks which objects need which stored graph. Views, bound algorithms and results share the directory of a graph. The engine
/// removes it explicitly when the last of them is unloaded, never as a side effect of deinitialization.
struct StoredGraphUse {
  /// The keys of the objects that use each directory, by its name.
  private var users: [String: Set<String>] = [:]
  private var directories: [String: String] = [:]

  /// Records that the object with a key needs a directory.
  mutating func add(_ directory: String, for key: String) {
    users[directory, default: []].insert(key)
    directories[key] = directory
  }

  /// Records that the object with a key needs its directory no longer.
  /// - Returns: the directory, if no other object needs it.
  mutating func remove(_ key: String) -> String? {
    guard let directory = directories.removeValue(forKey: key) else { return nil }
    users[directory]?.remove(key)
    guard users[directory]?.isEmpty == true else { return nil }
    users[directory] = nil
    return directory
  }

  /// Returns whether any object needs a directory.
  func needs(_ directory: String) -> Bool { users[directory] != nil }
}
