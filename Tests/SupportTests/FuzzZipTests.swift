import Fuzzing
import Support
import Testing

@Suite("Fuzzing of zip archives")
struct FuzzZipTests {
  /// An archive of one stored file, `a`, that contains `hi`.
  private static let stored: [UInt8] =
    [0x50, 0x4B, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xAC, 0x2A, 0x93, 0xD8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]
    + [97, 104, 105]
    + [0x50, 0x4B, 1, 2, 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xAC, 0x2A, 0x93, 0xD8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0]
    + [UInt8](repeating: 0, count: 16) + [97]
    + [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 33, 0, 0, 0, 0, 0]

  @Test("A stored file whose stated size differs from its bytes is rejected")
  func otherSize() throws {
    var archive = Self.stored
    archive[33 + 24] = 5
    let damaged = try ZipArchive(archive)
    #expect(throws: ZipError.self) { try damaged.contents(of: "a") }
  }

  @Test("A deflated file that states more bytes than deflate can yield is rejected before they are allocated")
  func hostileSize() throws {
    var archive = Self.stored
    archive[33 + 10] = 8
    let megabytes = 200 << 20
    for byte in 0..<4 { archive[33 + 24 + byte] = UInt8(truncatingIfNeeded: megabytes >> (8 * byte)) }
    let hostile = try ZipArchive(archive)
    #expect(hostile.entries[0].byteCount == megabytes)
    let error = #expect(throws: ZipError.self) { try hostile.contents(of: "a") }
    #expect(error?.why == "'a' states a size that its 2 bytes cannot have when unpacked")
  }

  @Test("Archives are rejected or read")
  func archives() throws {
    #expect(try ZipArchive(Self.stored).contents(of: "a") == [104, 105])
    var fuzzer = Fuzzer("zip", corpus: [Self.stored, Self.stored + Self.stored], words: [[0x50, 0x4B, 5, 6]])
    let slow = fuzzer.run { input in
      guard let archive = try? ZipArchive(input) else { return "rejected" }
      var outcome = "\(archive.entries.count)"
      for entry in archive.entries.prefix(10) where entry.byteCount < 1 << 20 {
        guard let bytes = try? archive.contents(of: entry) else {
          outcome += " damaged"
          continue
        }
        #expect(bytes.count == entry.byteCount)
      }
      return outcome
    }
    #expect(slow.isEmpty)
  }
}
