import Glibc

/// A file that is read as a whole, such as one that an operator names in a setting.
public enum SmallFile {
  /// Reads all bytes of a file, pipe or device.
  /// - Throws: `SystemError`; its code is `EFBIG` if there are more than `maximumBytes` bytes.
  public static func read(_ path: String, maximumBytes: Int = 1 << 20) throws(SystemError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("cannot read", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw SystemError("cannot read", path) }
      guard count > 0 else { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= maximumBytes else { throw SystemError("cannot read", path, code: EFBIG) }
    }
  }
}
