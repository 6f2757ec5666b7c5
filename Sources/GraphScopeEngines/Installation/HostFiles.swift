import FoundationEssentials
import Glibc

/// This machine's files.
public struct HostFiles: FileLookup {
  private static let smallFileBytes = 1 << 20

  /// The files of this machine.
  public init() {}

  /// Whether there is an executable file.
  public func isExecutable(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }

  /// Whether there is anything.
  public func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// The names in a directory, in order.
  public func names(in directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  /// The text of a file of at most 1 MiB.
  public func text(of path: String) -> String? {
    var info = stat()
    guard stat(path, &info) == 0, info.st_size <= Self.smallFileBytes,
      let data = FileManager.default.contents(atPath: path)
    else { return nil }
    return String(decoding: data, as: UTF8.self)
  }
}
