import Glibc
import TestSupport
import Testing

@testable import Support

@Suite("Small files")
struct SmallFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ bytes: Int) throws -> String {
    let path = directory.path + "/file"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(write(descriptor, [UInt8](repeating: 7, count: bytes), bytes) == bytes)
    close(descriptor)
    return path
  }

  @Test("are read up to their limit", arguments: [0, 1, 65_536, 100_000])
  func whole(bytes: Int) throws {
    #expect(try SmallFile.read(try file(bytes), maximumBytes: bytes) == [UInt8](repeating: 7, count: bytes))
  }

  @Test("that are larger, missing or directories are errors with the system's reason")
  func errors() throws {
    let path = try file(11)
    for (path, code) in [(path, EFBIG), (path + "x", ENOENT), (directory.path, EISDIR), (path + "/x", ENOTDIR)] {
      let error = #expect(throws: SystemError.self) { try SmallFile.read(path, maximumBytes: 10) }
      #expect(error?.code == code)
      #expect(error?.description.hasPrefix("cannot read '\(path)': ") == true)
    }
  }
}
