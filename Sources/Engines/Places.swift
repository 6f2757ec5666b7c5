import GraphStore
import JSON

/// Controls what the operations of a session may access beyond the session's own directory: files of this machine, and addresses
/// of storages. Engines use only what they receive through it for everything that a client names. Calls may wait for a disk.
public protocol Places: Sendable {
  /// Whether access is limited to what is listed.
  var isRestricted: Bool { get }

  /// Whether code of a client may run in an engine's process.
  var allowsOwnCode: Bool { get }

  /// The user that the session's processes run as and its files are accessed as; nil for the coordinator's own user.
  var user: EngineUser? { get }

  /// Opens a regular file for reading.
  /// - Throws: `EngineError.permissionDenied`, worded alike for all paths that may not be read, existing or not;
  ///   `GraphStoreError` for a path that may be read but cannot be.
  func open(_ path: String) throws -> OpenedFile

  /// Checks that a file or directory may be read, for code that opens it itself.
  /// - Throws: The errors of `open`.
  func requireReadable(_ path: String) throws

  /// Opens the regular files of a directory and its subdirectories, or the single file that the path names.
  /// - Throws: The errors of `open`.
  func files(at path: String) throws -> [PlacedFile]

  /// Moves the contents of a directory of the session's own to another directory, which is created if necessary. Files of the
  /// same names are replaced.
  /// - Throws: `EngineError.permissionDenied` when that directory may not be written to, worded alike whatever exists there;
  ///   `EngineError.engineFailure` when it cannot be written.
  func move(contentsOf staging: String, to directory: String) throws

  /// Checks that a storage may be accessed at an address with the client's options.
  /// - Throws: `EngineError` when it may not.
  func require(_ address: String, options: JSONValue, for use: PlaceUse) throws
}

extension Places {
  /// Returns nil: the coordinator's own user.
  public var user: EngineUser? { nil }
}

/// The kind of access to a place.
public enum PlaceUse: String, Sendable {
  /// Reading from it.
  case reading
  /// Writing to it.
  case writing
}

/// An open file, with its path below a directory.
public struct PlacedFile: Sendable {
  /// The path below the directory; the path itself if it was named alone.
  public var name: String
  /// The file.
  public var file: OpenedFile

  /// Creates a placed file.
  public init(name: String, file: OpenedFile) { (self.name, self.file) = (name, file) }
}

/// Places without restrictions: any file of this machine may be read, but nothing is written and no address is accessed.
public struct OpenPlaces: Places {
  /// Creates unrestricted places.
  public init() {}

  /// Returns false.
  public var isRestricted: Bool { false }

  /// Returns true.
  public var allowsOwnCode: Bool { true }

  /// Checks that the file can be opened.
  public func requireReadable(_ path: String) throws { _ = try open(path) }

  /// Opens any regular file.
  public func open(_ path: String) throws -> OpenedFile { try OpenedFile(path: path) }

  /// Opens the single file at the path.
  public func files(at path: String) throws -> [PlacedFile] { [PlacedFile(name: path, file: try open(path))] }

  /// Always fails.
  /// - Throws: `EngineError.permissionDenied`.
  public func move(contentsOf staging: String, to directory: String) throws {
    throw EngineError(.permissionDenied, "files outside the session cannot be written")
  }

  /// Always fails.
  /// - Throws: `EngineError.permissionDenied`.
  public func require(_ address: String, options: JSONValue, for use: PlaceUse) throws {
    throw EngineError(.permissionDenied, "storage addresses cannot be accessed")
  }
}
