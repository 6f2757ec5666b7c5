import Glibc
import Testing

@testable import gscoordinator

@Suite("Writing of log lines")
struct LogWriterTests {
  @Test("The expected first line precedes earlier lines, and dropped lines are counted")
  func firstLine() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let writer = LogWriter()
    writer.expectFirstLine(on: ends[1])
    for _ in 0..<10_002 { writer.write("x\n", to: ends[1]) }
    writer.writeFirst("first\n")
    writer.write("last\n", to: ends[1])
    writer.flush()
    close(ends[1])
    var text = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(ends[0], &text, text.count)
    let lines = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
    #expect(lines.first == "first")
    #expect(lines.count == 10_003, "what was kept back, the first, the last, and a word about two")
    #expect(lines.suffix(2).first?.contains("2 log lines were dropped") == true)
  }
}
