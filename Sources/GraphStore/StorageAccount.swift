/// What memory and files count for: whoever loads a graph or keeps a result asks before it takes them. Safe to use from
/// any thread; a call costs about as much as a lock.
public protocol StorageAccount: Sendable {
  /// Takes bytes.
  /// - Throws: `StorageRefusal` when there is no room for them; nothing is taken then.
  func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal)

  /// Takes bytes that are there already, such as the files of an earlier process: it is never refused, and what it takes
  /// beyond the bounds makes later takes fail.
  func takeUnconditionally(_ bytes: Int, as kind: StorageKind)

  /// Gives bytes back that were taken as the same kind.
  func giveBack(_ bytes: Int, as kind: StorageKind)
}

/// What bytes are taken for.
public enum StorageKind: Sendable, Hashable {
  /// Memory of the process: tables while a graph is built, results, answers.
  case memory
  /// A file that is mapped: counts as memory and as disk.
  case mappedFile
}

/// Why an account refused bytes: a sentence with the numbers and what to do.
public struct StorageRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// A refusal in words.
  public init(_ description: String) { self.description = description }
}

/// An account that refuses nothing and remembers nothing.
public struct UnboundedStorage: StorageAccount {
  /// An account without bounds.
  public init() {}
  /// Takes anything.
  public func take(_ bytes: Int, as kind: StorageKind) {}
  /// Takes anything.
  public func takeUnconditionally(_ bytes: Int, as kind: StorageKind) {}
  /// Forgets it.
  public func giveBack(_ bytes: Int, as kind: StorageKind) {}
}
