import CPlatform
import Engines
import Glibc

/// Makes a directory; one that is there is kept.
func makeDirectory(_ path: String) throws(EngineError) {
  guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
    throw EngineError(
      .engineFailure, "cannot create the directory '\(path)'", evidence: String(cString: strerror(errno)),
      hint: "Check space and permissions there, or give the coordinator another --workspace")
  }
}

/// Removes a directory with everything in it, as far as that is possible. Links are removed, not followed.
func removeTree(_ path: String) { _ = platform_remove_tree(path) }

/// Writes a new file.
func writeFile(_ path: String, _ text: String) throws {
  var text = text
  try text.withUTF8 { try writeFile(path, UnsafeRawBufferPointer($0)) }
}

/// Writes a new file. When that fails no file stays behind.
func writeFile(_ path: String, _ bytes: UnsafeRawBufferPointer) throws(EngineError) {
  let isWritten = {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var rest = bytes
    while !rest.isEmpty {
      let count = write(descriptor, rest.baseAddress, rest.count)
      guard count > 0 else { return false }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }()
  guard isWritten else {
    let reason = String(cString: strerror(errno))
    unlink(path)
    throw EngineError(
      .engineFailure, "cannot write '\(path)'", evidence: reason,
      hint: "Check space and permissions there, or give the coordinator another --workspace")
  }
}
