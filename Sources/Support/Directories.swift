import CPlatform
import Glibc

/// Operations on whole directories. Symbolic links are never followed, except in the leading part of a path.
public enum Directories {
  /// Creates a directory and its missing parents with mode 0700. Does nothing if it exists.
  /// - Throws: `SystemError`.
  public static func make(_ path: String) throws(SystemError) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw SystemError("cannot create the directory", path)
    }
    try make(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError("cannot create the directory", path) }
  }

  /// Returns the names in a directory, without `.` and `..`, in no particular order.
  /// - Throws: `SystemError`.
  public static func entries(_ path: String) throws(SystemError) -> [String] {
    guard let directory = opendir(path) else { throw SystemError("cannot list", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a file, or a directory with its contents. Does nothing if the path does not exist.
  /// - Throws: `SystemError`; everything that could be removed is then gone.
  public static func remove(_ path: String) throws(SystemError) {
    let code = platform_remove_tree(path)
    guard code == 0 else { throw SystemError("cannot remove", path, code: code) }
  }
}
