import Glibc

/// Returns an unused path in the temporary directory.
func temporaryPath() -> String {
  var random = SystemRandomNumberGenerator()
  return "/tmp/embedded-analytics-test-\(getpid())-\(random.next())"
}

/// Unlinks a file.
func removeFile(_ path: String) { unlink(path) }

/// Returns the contents of a file; nil if it does not exist.
func readText(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&block, 1, block.count, file), count > 0 { bytes += block[..<count] }
  return String(decoding: bytes, as: UTF8.self)
}

/// Returns the value of an environment variable.
func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
