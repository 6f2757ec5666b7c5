import ClientOperations
import Engines
import Testing
import Vocabulary

@Suite("The table of operations")
struct OperationTableTests {
  @Test("Every type of the protocol has a row with its name there", arguments: OperationType.allCases)
  func complete(_ type: OperationType) {
    let name = String(describing: type).map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    #expect(type.traits.name == name)
    #expect(type.traits.userWords?.isEmpty != true)
  }

  @Test("Operations are classified as reading, making, naming and unloading")
  func effects() {
    func types(_ effect: OperationTraits.Effect) -> Set<OperationType> {
      Set(OperationType.allCases.filter { $0.traits.effect == effect })
    }
    #expect(
      types(.reads) == [
        .reportGraph, .getContextData, .contextToNumpy, .contextToDataframe, .graphToNumpy, .graphToDataframe,
      ])
    #expect(types(.names) == [.dataSource, .createApp])
    #expect(types(.unloads) == [.unloadApp, .unloadGraph, .unloadContext])
    #expect(
      types(.makes) == [
        .createGraph, .addLabels, .projectGraph, .projectToSimple, .bindApp, .runApp, .addColumn, .consolidateColumns,
        .toDirected, .toUndirected, .copyGraph, .transformGraph, .subgraph, .deserializeGraph, .viewGraph,
        .induceSubgraph,
      ])
  }

  @Test("Records of steps name operations as earlier versions did")
  func titles() {
    #expect(Engines.Operation.unload.title == "UNLOAD")
    #expect(Engines.Operation.exportArray(selector: "r", range: nil).title == "TO_NUMPY")
    #expect(Engines.Operation.exportFrame(columns: [], range: nil).title == "TO_DATAFRAME")
    #expect(Engines.Operation.graphFromStore.title == "CREATE_GRAPH from an object store")
    #expect(Engines.Operation.bindApplication.title == "BIND_APP")
  }

  @Test("Operations with lasting effects are recorded, and operations that make graphs are counted")
  func consequences() throws {
    #expect(!Engines.Operation.exportArray(selector: "r", range: nil).leavesSomething)
    #expect(!Engines.Operation.plain(.dataSource).leavesSomething)
    #expect(Engines.Operation.unload.leavesSomething && Engines.Operation.plain(.output).leavesSomething)
    #expect(Engines.Operation.graphFromStore.makesGraph && Engines.Operation.plain(.copyGraph).makesGraph)
    let mutable = try Engines.Operation(key: "g", type: .createGraph, arguments: [.graphType: .int(2)])
    #expect(!mutable.makesGraph && mutable.userWords == "a graph of graphscope.nx")
    #expect(!Engines.Operation.plain(.induceSubgraph).makesGraph)
  }

  @Test("Arguments of an algorithm keep their kinds, whatever their width")
  func values() throws {
    let operation = try Engines.Operation(
      key: "r", type: .runApp,
      query: [.bool(true), .int32(-1), .uint32(2), .uint64(.max), .float(0.5), .string("a"), .bytes([1])])
    #expect(
      operation.queryValues == [
        .bool(true), .integer(-1), .integer(2), .double(Double(UInt64.max)), .double(0.5), .string("a"), .bytes([1]),
      ])
  }
}
