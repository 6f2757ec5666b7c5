import Digests
import Testing

@Suite("Digests")
struct DigestsTests {
  /// The examples of FIPS 180-4, and a length at the end of a block.
  @Test(
    "match the examples of the standard, wherever the bytes are split",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    ])
  func examples(_ message: String, _ digest: String) {
    let bytes = Array(message.utf8)
    for cut in 0...bytes.count { #expect(sha256(Array(bytes[..<cut]), Array(bytes[cut...])).hexadecimal == digest) }
  }

  @Test("are parsed from hexadecimal digits of either case only")
  func hexadecimal() {
    let all = (UInt8.min...UInt8.max).map { $0 }
    #expect([UInt8](hexadecimal: all.hexadecimal) == all)
    #expect([UInt8](hexadecimal: all.hexadecimal.uppercased()) == all)
    #expect([UInt8](hexadecimal: "") == [])
    for text in ["0", "0g", "+1", "0x", " 0", "é"] { #expect([UInt8](hexadecimal: text) == nil, "\(text)") }
  }

  @Test("are equal when all bytes are")
  func equality() {
    let digest = sha256([1])
    #expect(equalInConstantTime(digest, sha256([1])))
    for index in digest.indices {
      var other = digest
      other[index] ^= 0x80
      #expect(!equalInConstantTime(digest, other))
    }
    #expect(!equalInConstantTime(digest, Array(digest.dropLast())) && equalInConstantTime([], []))
  }
}
