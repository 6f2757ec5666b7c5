import Testing

@testable import Supervision

@Suite("Lines of output") struct LineSplitterTests {
  private func lines(_ chunks: [[UInt8]], maximumBytes: Int = 64 * 1024) -> [String] {
    var splitter = LineSplitter(maximumBytes: maximumBytes)
    var lines: [String] = []
    for chunk in chunks {
      chunk.withUnsafeBytes { splitter.append($0) { lines.append($0) } }
      #expect(splitter.pendingBytes <= maximumBytes)
    }
    splitter.finish { lines.append($0) }
    return lines
  }

  @Test("are the same however the bytes are divided")
  func chunks() {
    let text = Array("one\ntwo\r\n\nthrée\nlast".utf8)
    let expected = ["one", "two", "", "thrée", "last"]
    for size in 1...text.count {
      let chunks = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }
      #expect(lines(chunks) == expected)
      #expect(lines(chunks, maximumBytes: 6) == expected, "also when lines are just as long as they may be")
    }
  }

  @Test("are repaired if they are not UTF-8")
  func repair() {
    #expect(lines([[0x61, 0xFF, 0x62, 0x0A, 0xC3, 0x0A]]) == ["a\u{FFFD}b", "\u{FFFD}"])
  }

  @Test("are split between characters if they are too long")
  func bound() {
    #expect(lines([Array("abcdefghij\nk".utf8)], maximumBytes: 4) == ["abcd", "efgh", "ij", "k"])
    #expect(lines([Array("abcd\nefgh\n".utf8)], maximumBytes: 4) == ["abcd", "efgh"])
    #expect(lines([Array("ab€€\n".utf8)], maximumBytes: 4) == ["ab", "€", "€"])
    #expect(lines([Array("aaa😀b".utf8)], maximumBytes: 4) == ["aaa", "😀", "b"])
    #expect(lines([[0x80, 0x80, 0x80, 0x80, 0x80]], maximumBytes: 4).joined().count == 5)
  }

  @Test("never exceed the limit, whatever the input")
  func random() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let bytes = (0..<500).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let cut = Int.random(in: 0...500, using: &generator)
      for line in lines([Array(bytes[..<cut]), Array(bytes[cut...])], maximumBytes: 16) {
        // Every byte may become a replacement character of three bytes.
        #expect(line.utf8.count <= 16 * 3)
      }
    }
  }
}
