import NIOCore
import TestSupport
import Testing
import Turns

@testable import GRPC

@Suite(.takesTurns)
struct MessageReaderTests {
  private let window = 2000

  private func makeReader(max: Int = 1_000_000) -> MessageReader {
    MessageReader(maxMessageBytes: max, windowBytes: window)
  }

  private func framed(_ bytes: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag] + (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (24 - 8 * $0)) } + bytes
  }

  private func feed(_ reader: inout MessageReader, _ bytes: some Sequence<UInt8>) {
    Array(bytes).withUnsafeBytes { reader.append($0) }
  }

  @Test func messagesSurviveAnyCutting() {
    var random = SplitMix(seed: 11)
    for _ in 0..<200 {
      let sizes = (0..<8).map { _ in [0, 1, 17, 994, 995, 996, 1000, 5000].randomElement(using: &random)! }
      let messages = sizes.map { size in (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) } }
      let flags = messages.map { _ in UInt8.random(in: 0...1, using: &random) }
      var rest = zip(messages, flags).flatMap { framed($0, flag: $1) }[...]
      let total = rest.count
      var reader = makeReader()
      var seen: [[UInt8]] = []
      var seenFlags: [UInt8] = []
      var credit = 0
      while seen.count < messages.count {
        switch reader.next() {
        case .message(let message):
          seen.append(Array(message.readableBytesView))
          seenFlags.append(0)
        case .compressed(let message):
          seen.append(Array(message.readableBytesView))
          seenFlags.append(1)
        case .admit(let count):
          #expect(count > window / 2 - 5)
          reader.admit()
        case .needMore:
          let piece = rest.prefix(.random(in: 1...3000, using: &random))
          rest = rest.dropFirst(piece.count)
          feed(&reader, piece)
        case .failure(let status):
          Issue.record("\(status)")
          return
        }
        credit += reader.takeCredit()
      }
      #expect(seen == messages && seenFlags == flags && credit == total && !reader.isInsideMessage)
    }
  }

  @Test func nothingIsCreditedBeforeSomebodyAsks() {
    var reader = makeReader()
    feed(&reader, framed([1, 2, 3]) + framed([4]))
    #expect(reader.takeCredit() == 0 && reader.unreadBytes == 14)
    #expect(reader.next() == .message(ByteBuffer(bytes: [1, 2, 3])))
    #expect(reader.takeCredit() == 8 && reader.unreadBytes == 6)
  }

  @Test func aLargeMessageWaitsForItsAdmission() {
    var reader = makeReader()
    let message = [UInt8](repeating: 9, count: 2000)
    feed(&reader, framed(message).prefix(500))
    #expect(reader.next() == .admit(2000) && reader.next() == .needMore)
    #expect(reader.takeCredit() == 0 && reader.isInsideMessage)
    reader.admit()
    #expect(reader.takeCredit() == 500 && reader.unreadBytes == 0)
    feed(&reader, framed(message).dropFirst(500) + framed([7]))
    #expect(reader.takeCredit() == 1505 && reader.unreadBytes == 6)
    #expect(reader.next() == .message(ByteBuffer(bytes: message)))
    #expect(reader.next() == .message(ByteBuffer(bytes: [7])))
  }

  @Test func memoryFollowsWhatArrivesNotWhatIsAnnounced() {
    var reader = makeReader(max: Int(Int32.max))
    feed(&reader, [0, 0x7F, 0xFF, 0xFF, 0xFF])
    #expect(reader.next() == .admit(Int(Int32.max)))
    reader.admit()
    feed(&reader, [UInt8](repeating: 1, count: 100_000))
    #expect(reader.bufferedCapacity <= 262_144)
  }

  @Test func brokenPrefixesAreRefused() {
    var reader = makeReader(max: 100)
    feed(&reader, framed([1], flag: 2))
    guard case .failure(let illegal) = reader.next() else { return #expect(Bool(false)) }
    #expect(illegal.code == .internal)

    reader = makeReader(max: 100)
    feed(&reader, [0, 0, 0, 0, 101])
    guard case .failure(let tooLong) = reader.next() else { return #expect(Bool(false)) }
    #expect(tooLong.code == .resourceExhausted)
  }
}
