import Foundation
import JSON
import ProtobufFields
import Testing
import Turns
import Workers

@testable import EmbeddedLearning

@Suite("Messages of learning clients")
struct MessageTests {
  /// Reads an answer back, by the rules of the wire format alone.
  private func decoded(_ bytes: [UInt8]) throws -> OperatorAnswer {
    var answer = OperatorAnswer()
    var reader = ProtobufReader(bytes)
    // A request has the same lists under other numbers.
    var parts: [Int: ProtobufWriter] = [:]
    while let field = try reader.next() {
      parts[field.number, default: ProtobufWriter()].element(field.number == 3 ? 6 : 5, try #require(field.value.bytes))
    }
    answer.parameters = try MessageReading.operatorRequest(parts[1]?.bytes ?? []).inputs
    answer.tensors = try MessageReading.operatorRequest(parts[2]?.bytes ?? []).inputs
    answer.sparse = try MessageReading.operatorRequest(parts[3]?.bytes ?? []).sparseInputs.map { ($0, $1) }
      .sorted { $0.0 < $1.0 }
    return answer
  }

  private func bytes(_ hex: String) -> [UInt8] {
    stride(from: 0, to: hex.utf8.count, by: 2).map { UInt8(hex.dropFirst($0).prefix(2), radix: 16)! }
  }

  @Test("A recorded request and answer of every kind are read and written byte for byte")
  func recorded() throws {
    let request = try MessageReading.operatorRequest(
      bytes(
        "0a0d52616e646f6d53616d706c657210011801220c0a056669656c641801220100220c0a0566747970651801220100220a0a036e6263180122"
          + "010322170a026f7010041801420d52616e646f6d53616d706c6572220f0a0274701004180142056b6e6f77732a120a03736964100118062a"
          + "07646566676be707"))
    #expect(request.name == "RandomSampler" && request.parameters["tp"] == .texts("knows"))
    #expect(try request.parameters.integer("nbc") == 3)
    #expect(request.inputs["sid"] == .int64([100, 101, 102, 103, 107, 999]))
    var answer = OperatorAnswer()
    answer.parameters = ["bs": .numbers(3), "si": .numbers(23, 1, 1, 2)]
    answer.tensors = [
      "sa": .texts("p0", "c0", "p5", "c2", "", ""), "fa": .float([0, 1.25, 0]), "ia": .int64([20, 25, 0]),
      "lb": .numbers(0, 2, -1), "wei": .float([1, 2, -1]),
    ]
    #expect(
      MessageWriting.bytes(answer)
        == bytes(
          "0a090a02627318012201030a0c0a0273691804220417010102121c0a02736110041806420270304202633042027035420263324200420012"
            + "160a02666110021803320c000000000000a03f00000000120d0a026961100118032a0314190012140a026c621803220c0002ffffffffffff"
            + "ffffff0112170a0377656910021803320c0000803f00000040000080bf"))
    #expect(try decoded(MessageWriting.bytes(answer)) == answer)
    var full = OperatorAnswer()
    full.parameters = ["bs": .numbers(6), "nbc": .numbers(2)]
    full.sparse = [
      ("eid", SparseTensor(segments: [0, 1, 2, 2, 2, 0], values: [0, 0, 1, 0, 1, 0, 1])),
      ("nid", SparseTensor(segments: [0, 1, 2, 2, 2, 0], values: [102, 103, 104, 104, 105, 108, 109])),
    ]
    #expect(
      MessageWriting.bytes(full)
        == bytes(
          "0a090a02627318012201060a0a0a036e626318012201021a320a0365696412140a087365676d656e7473180622060001020202001a150a06"
            + "76616c756573100118072a07000001000100011a320a036e696412140a087365676d656e7473180622060001020202001a150a0676616c"
            + "756573100118072a0766676868696c6d"))
    #expect(MessageWriting.bytes(BatchAnswer(epoch: 0, index: 2)) == bytes("1802"))
  }

  @Test("A recorded query is read")
  func query() throws {
    let query = try MessageReading.query(
      bytes(
        "08011273080112084765744e6f6465731a0e0a026e741004180142046974656d1a090a026e6618012201021a090a02627318012201051a0d0a"
          + "02657018012205ffffffff071a130a0373747210041801420862795f6f726465722a0c080112036e69641a036e69642a0d080312036e6964"
          + "1a0466616b65123d0802120b4c6f6f6b75704e6f6465731a0e0a026e741004180142046974656d220c080112036e69641a036e69642a0e08"
          + "02120466616b651a0466616b6512270803120453696e6b220e0802120466616b651a0466616b65220d080312036e69641a0466616b65"
      ))
    #expect(query.id == 1 && query.nodes.map(\.name) == ["GetNodes", "LookupNodes", "Sink"])
    #expect(query.nodes[0].parameters["ep"] == .numbers(.max))
    #expect(query.nodes[1].inputs == [.init(id: 1, output: "nid", input: "nid")])
  }

  @Test("Texts that are not UTF-8 are replaced, because clients reject an answer that has any")
  func texts() {
    var values = TextValues()
    for text in [[0x61], [0xFF, 0x62], Array("ü".utf8)] as [[UInt8]] { text.withUnsafeBytes { values.append($0) } }
    #expect(values.texts == ["a", "\u{FFFD}b", "ü"])
  }

  @Test(
    "Malformed messages are errors",
    arguments: ["0a", "0aff01", "2a03", "08", "ffffffffffffffffffff01", "0b", "2a020880"])
  func malformed(_ hex: String) {
    #expect(throws: LearningError.self) { try MessageReading.operatorRequest(bytes(hex)) }
  }

  @Test("Any bytes are read or rejected, and what is read is run or rejected", .takesTurns)
  func anything() async throws {
    let service = try await ToyGraph().service()
    var seeds: [[UInt8]] = []
    for name in ["RandomSampler", "FullSampler", "GetNodes", "RandomWalk", "SubGraphSampler", "SumAggregator"] {
      var message = ProtobufWriter()
      message.text(1, name)
      for (key, text) in [("tp", "knows"), ("nt", "item"), ("nbrt", "knows"), ("str", "shuffle")] {
        message.message(4) { tensor in
          tensor.text(1, key)
          tensor.integer(2, 4)
          tensor.text(8, text)
        }
      }
      for (key, value) in [("nbc", 3), ("nf", 2), ("bs", 4), ("ns", 2), ("dis", 3)] as [(String, Int64)] {
        message.message(4) { tensor in
          tensor.text(1, key)
          tensor.packed(4, [value])
        }
      }
      for key in ["sid", "nid", "segi"] {
        message.message(5) { tensor in
          tensor.text(1, key)
          tensor.integer(2, 1)
          tensor.packed(5, [0, 1, 101])
        }
      }
      seeds.append(message.bytes)
    }
    var random = SampleRandom(seed: 20)
    var accepted = 0
    for round in 0..<4000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<random.below(4) {
        switch random.below(3) {
        case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
        case 1: bytes.removeSubrange(random.below(bytes.count)...)
        default: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count))
        }
        if bytes.isEmpty { bytes = [0] }
      }
      do {
        _ = try MessageWriting.bytes(service.run(MessageReading.operatorRequest(bytes), connection: 1, .alone()))
        accepted += 1
      } catch let error as LearningError { #expect(error.description.utf8.count <= 126) }
      _ = try? service.accept(MessageReading.query(bytes), connection: 1)
    }
    #expect(accepted > 500)
  }
}
