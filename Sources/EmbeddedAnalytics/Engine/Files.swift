import CPlatform
import Engines
import Glibc
import Support

/// Creates a directory, unless it exists.
func makeDirectory(_ path: String) throws(EngineError) {
  guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
    throw EngineError(
      .engineFailure, "cannot create the directory '\(path)'", evidence: String(cString: platform_error_text(errno)),
      hint: "Check the free space and the permissions there, or start the coordinator with another --workspace")
  }
}

/// Removes a directory with its contents, as far as possible. Does not follow links.
func removeTree(_ path: String) { try? Directories.remove(path) }

/// Writes a new file.
func writeFile(_ path: String, _ text: String) throws {
  var text = text
  try text.withUTF8 { try writeFile(path, UnsafeRawBufferPointer($0)) }
}

/// Writes a new file.
func writeFile(_ path: String, _ bytes: UnsafeRawBufferPointer) throws(EngineError) { try writeFile(path, [bytes]) }

/// Writes a new file that consists of parts, each aligned to eight bytes. Leaves no file behind on failure.
func writeFile(_ path: String, _ parts: [UnsafeRawBufferPointer]) throws(EngineError) {
  let isWritten = {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var place = 0
    for part in parts where !part.isEmpty {
      place = (place + 7) / 8 * 8
      var rest = part
      while !rest.isEmpty {
        let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(place))
        guard count > 0 else { return false }
        place += count
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
    return true
  }()
  guard isWritten else {
    let reason = String(cString: platform_error_text(errno))
    unlink(path)
    throw EngineError(
      .engineFailure, "cannot write '\(path)'", evidence: reason,
      hint: "Check the free space and the permissions there, or start the coordinator with another --workspace")
  }
}
