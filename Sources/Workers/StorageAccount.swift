/// Counts memory and files. Code that loads a graph or keeps a result takes bytes from the account before it uses them. Safe to
/// use from any thread; a call costs about as much as a lock.
public protocol StorageAccount: Sendable {
  /// Takes bytes.
  /// - Throws: `StorageRefusal` when there is no room for them; nothing is then taken.
  func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal)

  /// Takes bytes that are in use already, such as the files of an earlier process. Never fails; bytes beyond the limits make
  /// later calls to `take` fail.
  func takeUnconditionally(_ bytes: Int, as kind: StorageKind)

  /// Returns bytes that were taken as the same kind.
  func giveBack(_ bytes: Int, as kind: StorageKind)
}

/// The use of bytes.
public enum StorageKind: Sendable, Hashable {
  /// Memory of the process: tables while a graph is built, results, answers.
  case memory
  /// A mapped file, which counts as memory and as disk.
  case mappedFile
}

/// The refusal of an account: a sentence with the numbers and the remedy.
public struct StorageRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// Creates a refusal.
  public init(_ description: String) { self.description = description }
}

/// An account that refuses nothing and counts nothing.
public struct UnboundedStorage: StorageAccount {
  /// Creates an account without limits.
  public init() {}
  /// Does nothing.
  public func take(_ bytes: Int, as kind: StorageKind) {}
  /// Does nothing.
  public func takeUnconditionally(_ bytes: Int, as kind: StorageKind) {}
  /// Does nothing.
  public func giveBack(_ bytes: Int, as kind: StorageKind) {}
}
