import CPlatform
import Engines
import Glibc

/// Makes a directory that must not exist.
func makeDirectory(_ path: String) throws(EngineError) {
  guard mkdir(path, 0o700) == 0 else {
    throw EngineError(
      .engineFailure, "cannot create the directory '\(path)'", evidence: String(cString: strerror(errno)),
      hint: "Check space and permissions there, or give the coordinator another --workspace")
  }
}

/// Removes a directory with everything in it, as far as that is possible. Links are removed, not followed.
func removeTree(_ path: String) { _ = platform_remove_tree(path) }

/// Writes a new file.
func writeFile(_ path: String, _ text: String) throws(EngineError) {
  var text = text
  let isWritten = text.withUTF8 { bytes in
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let count = write(descriptor, rest.baseAddress, rest.count)
      guard count > 0 else { return false }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }
  guard isWritten else {
    throw EngineError(
      .engineFailure, "cannot write '\(path)'", evidence: String(cString: strerror(errno)),
      hint: "Check space and permissions there, or give the coordinator another --workspace")
  }
}

/// Removes a file; one that is not there is no error.
func removeFile(_ path: String) { unlink(path) }
