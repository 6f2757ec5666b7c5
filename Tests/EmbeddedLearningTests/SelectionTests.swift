import Engines
import Foundation
import JSON
import Testing
import Turns

@testable import EmbeddedLearning

@Suite("What a client selects", .takesTurns)
struct SelectionTests {
  @Test("The answer names a socket, the columns that are sent, and edges against their direction")
  func completed() async throws {
    let selection = try await ToyGraph().selection(
      #"{"nodes":["person"],"edges":[["person","knows","person"]],"edge_attributes":{"knows":[["code"],[9,9,9]]}}"#)
    #expect(selection.handle["vineyard_socket"] == .string("") && selection.handle["vineyard_id"] == .integer(7))
    #expect(
      Set(selection.handle["node_schema"]?.elements?.compactMap(\.text) ?? [])
        == ["person:true:true:2:2:2", "item:false:false:1:1:0"])
    let edges = selection.handle["edge_schema"]?.elements?.compactMap(\.text)
    #expect(edges?.contains("person:knows_reverse:person:true:false:1:1:0") == true)
    #expect(edges?.contains("item:buy_reverse:person:false:false:0:0:0") == true)
    #expect(selection.configuration["edges"]?.elements?.count == 2)
    let columns = selection.configuration["edge_attributes"]?["knows_reverse"]?.elements?[1]
    #expect(columns == .array([.integer(1), .integer(0), .integer(0)]))
    let decoded = try #require(Data(base64Encoded: LearningSelection.encoded(selection.handle)))
    #expect(try JSONValue(parsing: String(decoding: decoded, as: UTF8.self)) == selection.handle)
  }

  @Test(
    "What the graph does not have, and sets that are none, are errors in words",
    arguments: [
      (#"{"nodes":["persons"]}"#, "no vertices with label 'persons'"),
      (#"{"edges":[["person","hates","person"]]}"#, "no edges with label 'hates'"),
      (#"{"edges":[["item","knows","person"]]}"#, "lead from 'item' to 'person'"),
      (#"{"edges":[["person","knows"]]}"#, "is not a source label"),
      (#"{"node_attributes":{"person":[["height"],[0,1,0]]}}"#, "no attribute 'height'"),
      (#"{"edge_attributes":{"knows":[["since"],[0,1,0]]}}"#, "no attribute 'since'"),
      (#"{"node_attributes":{"person":7}}"#, "not a list of names"),
      (#"{"gen_labels":[["train","person",100,[0,101]]]}"#, "from 0 up to 101 of 100"),
      (#"{"gen_labels":[["train","person",100,[75,75]]]}"#, "from 75 up to 75"),
      (#"{"gen_labels":[["train","person",100,[-1,75]]]}"#, "from -1 up to 75"),
      (#"{"gen_labels":[["train","person",0,[0,1]]]}"#, "of 0"),
      (#"{"gen_labels":[["practice","person",100,[0,75]]]}"#, "An entry is"),
      (#"{"gen_labels":[["train","nobody",100,[0,75]]]}"#, "no vertices with label 'nobody'"),
      (#"{"gen_labels":[["train","person",9,[0,7]],["Train","person",9,[7,9]]]}"#, "twice"),
      ("[]", "not base64 of a JSON object"), ("{", "not base64 of a JSON object"),
    ])
  func rejected(_ configuration: String, _ text: String) async throws {
    let toy = try await ToyGraph()
    let error = #expect(throws: EngineError.self) { try toy.selection(configuration) }
    #expect(error?.code == .invalidArgument && "\(error as Any)".contains(text), "\(error as Any)")
  }
}
