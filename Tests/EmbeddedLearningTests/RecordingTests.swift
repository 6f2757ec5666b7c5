import Foundation
import JSON
import ProtobufFields
import Testing
import Turns
import Workers

@testable import EmbeddedLearning

/// Recordings of GraphScope's client and learning server, read where they lie.
private let recordings = ProcessInfo.processInfo.environment["GSC_SHARED"].map {
  URL(filePath: $0).appending(path: "contract/traces/learning/examples.json")
}

@Suite(
  "Recorded requests", .enabled(if: recordings != nil, "GSC_SHARED does not name a directory with recordings"),
  .takesTurns)
struct RecordingTests {
  /// An exchange: the request, and the readable form of the answer.
  private struct Exchange {
    var method: String
    var request: [UInt8]
    var status: String
    var response: String
  }

  private func exchanges() throws -> [Exchange] {
    let text = try String(contentsOf: try #require(recordings), encoding: .utf8)
    return try JSONValue(parsing: text).elements!.map { entry in
      let hex = entry["request_hex"]?.text ?? ""
      return Exchange(
        method: entry["method"]?.text ?? "",
        request: stride(from: 0, to: hex.utf8.count, by: 2).map { UInt8(hex.dropFirst($0).prefix(2), radix: 16)! },
        status: entry["status"]?.elements?.first?.text ?? "", response: entry["response"]?.text ?? "")
    }
  }

  /// The numbers of a tensor in the readable form of an answer.
  private func numbers(_ name: String, _ text: String) -> [Int64]? {
    guard let range = text.firstRange(of: try! Regex("[ {;]\(name):i(32|64)\\[[0-9]+\\]=[-0-9, ]*")) else { return nil }
    return text[range].split(separator: "=").last?.split(separator: ",").compactMap {
      Int64($0.trimmingCharacters(in: .whitespaces))
    } ?? []
  }

  @Test("Requests of single operators get answers of the same shape, and the same where nothing is drawn")
  func operators() async throws {
    let service = try await ToyGraph().service(
      """
      {"node_attributes":{"person":[["age","score","name","city"],[1,1,2]]},"gen_labels":[["train","person",100,[0,75]],\
      ["val","person",100,[75,85]],["test","person",100,[85,100]]]}
      """)
    var compared = 0
    for exchange in try exchanges() where exchange.method == "HandleOp" && exchange.status == "OK" {
      let request = try MessageReading.operatorRequest(exchange.request)
      let answer = try service.run(request, connection: 1, .alone())
      let text = exchange.response
      #expect(numbers("bs", text) == (try? answer.parameters.integers("bs")), "\(request.name)")
      // These attributes, and what persons buy, are not recorded.
      if request.name == "LookupEdges" || request.parameters["tp"] == .texts("buy") { continue }
      let isExact = ["LookupNodes", "GetDegree", "GetNodes", "GetEdges", "GetStats"].contains(request.name)
      for name in ["nid", "sid", "did", "eid", "dg", "lb", "ia", "knows", "item", "person"] {
        guard let recorded = numbers(name, text), answer.tensors[name] != nil else { continue }
        let ours = answer.integers(name)
        #expect(isExact ? ours == recorded : ours.count == recorded.count, "\(request.name) \(name)")
        compared += 1
      }
      for name in ["nid"] where request.name.hasSuffix("Sampler") {
        guard let recorded = numbers(name, text), !answer.integers(name).isEmpty else { continue }
        // No neighbour: at the same places.
        #expect(zip(answer.integers(name), recorded).allSatisfy { ($0 == 0) == ($1 == 0) }, "\(request.name)")
      }
    }
    #expect(compared > 15)
  }

  @Test("Every recorded query is accepted and has batches to the end of an epoch")
  func queries() async throws {
    let service = try await ToyGraph().service(
      #"{"gen_labels":[["train","person",100,[0,75]],["val","person",100,[75,85]],["test","person",100,[85,100]]]}"#)
    var count = 0
    for exchange in try exchanges() where exchange.method == "HandleDag" && exchange.status == "OK" {
      let query = try MessageReading.query(exchange.request)
      try service.accept(query, connection: 1)
      var batches = 0
      repeat {
        let batch = service.batch(BatchRequest(query: query.id, client: 0), connection: 1, .alone()) {
          Issue.record("query \(query.id): \($0)")
        }
        guard !batch.values.isEmpty else { break }
        #expect(batch.values.count == query.nodes.count - 1)
        batches += 1
      } while batches < 40
      #expect(batches > 0, "query \(query.id)")
      count += 1
    }
    #expect(count > 15)
  }
}
