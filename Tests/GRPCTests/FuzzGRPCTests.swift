import Fuzzing
import NIOCore
import ProtobufFields
import Testing
import Turns
import Wire

@testable import GRPC

@Suite("Fuzzing of gRPC", .takesTurns)
struct FuzzGRPCTests {
  private static let messages: [[UInt8]] = [
    [0, 0, 0, 0, 0], [0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 1, 9], [1, 0, 0, 0, 2, 1, 2],
    [0, 0, 0, 1, 0] + [UInt8](repeating: 7, count: 256), [0, 0, 1, 0, 0] + [UInt8](repeating: 7, count: 100),
  ]

  /// Reads messages from pieces of a size.
  private func read(_ bytes: [UInt8], by size: Int) -> [MessageReader.Step] {
    var reader = MessageReader(maxMessageBytes: 1 << 16, windowBytes: 1 << 10)
    var steps: [MessageReader.Step] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { reader.append($0) }
      steps: while true {
        let step = reader.next()
        switch step {
        case .needMore: break steps
        case .admit:
          steps.append(step)
          reader.admit()
        case .failure:
          steps.append(step)
          return steps
        case .message, .compressed: steps.append(step)
        }
      }
    }
    #expect(reader.unreadBytes <= bytes.count)
    return steps
  }

  @Test("Messages do not depend on how their bytes are cut")
  func framing() {
    var fuzzer = Fuzzer("grpc-framing", corpus: Self.messages)
    let slow = fuzzer.run { input in
      let whole = read(input, by: max(1, input.count))
      #expect(whole == read(input, by: 1))
      return whole.map { "\($0)".prefix(4) }.joined()
    }
    #expect(slow.isEmpty)
  }

  @Test("Fields, header values, compressed messages and details of errors are read or rejected")
  func values() throws {
    let text = Array("grpc-timeout 99999999H 1n Zm9v,YmFy== %E2%82%AC%0".utf8)
    let details = GRPCStatus(.aborted, "x", reason: "R", retryAfter: .seconds(1)).encodedDetails ?? []
    let gzip = try EncodedMessage(slices: [ByteBuffer(repeating: 65, count: 5_000)]).compressed()
    let member = gzip.map { message in
      Array((message.head.readableBytesView + message.rest.flatMap { Array($0.readableBytesView) }).dropFirst(5))
    }
    var fuzzer = Fuzzer(
      "grpc-values", corpus: [text, details, member ?? [], Array(ProtocolDescriptors.fileDescriptorSet.prefix(4_000))])
    let slow = fuzzer.run { input in
      let timeout = Timeout.parse(input)
      let base64 = Base64.decode(input)
      if let base64 { #expect(Base64.decode(Base64.encode(base64)) == base64) }
      _ = GRPCStatus.decodeMessage(input)
      let errors = GRPCStatus.decodeDetails(input)
      let descriptors = try? FileDescriptors(fileDescriptorSet: input)
      let question = try? ReflectionService.parse(input)
      let buffer = ByteBuffer(bytes: input)
      var inflated = -1
      if let size = try? GzipMessage.statedBytes(buffer, limit: 1 << 20) {
        inflated = (try? GzipMessage.inflate(buffer, to: size))?.readableBytes ?? -2
        #expect(inflated == -2 || inflated == size)
      }
      input.withUnsafeBufferPointer { bytes in
        _ = MessageEncoding(bytes)
        _ = MessageEncoding.acceptsGzip(bytes)
        _ = isGRPC(contentType: bytes)
        var metadata = Metadata()
        let bounds = MetadataBounds(maxEntries: 10, maxBytes: 4_096)
        _ = "x-bin".utf8.withContiguousStorageIfAvailable { metadata.receive(name: $0, value: bytes, within: bounds) }
        _ = "x".utf8.withContiguousStorageIfAvailable { metadata.receive(name: $0, value: bytes, within: bounds) }
        #expect(metadata.memoryBytes <= 4_096)
      }
      return
        "\(timeout != nil) \(base64 != nil) \(errors.count) \(descriptors != nil) \(question != nil) \(inflated < 0)"
    }
    #expect(slow.isEmpty)
  }
}
