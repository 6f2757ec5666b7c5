import FoundationEssentials
import Glibc

/// Looks up files of this machine.
public struct HostFiles: FileLookup {
  private static let smallFileBytes = 1 << 20

  /// Creates a lookup.
  public init() {}

  /// Returns whether the path is an executable file.
  public func isExecutable(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }

  /// Returns whether the path exists.
  public func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Returns the names in a directory, sorted; empty if it cannot be read.
  public func names(in directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  /// Returns the text of a file of at most 1 MiB; nil if it cannot be read.
  public func text(of path: String) -> String? {
    var info = stat()
    guard stat(path, &info) == 0, info.st_size <= Self.smallFileBytes,
      let data = FileManager.default.contents(atPath: path)
    else { return nil }
    return String(decoding: data, as: UTF8.self)
  }
}
