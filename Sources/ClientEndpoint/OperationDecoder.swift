import Engines
import GraphStore
import JSON
import Wire

extension Operation {
  /// Decodes an operation of a client.
  /// - Parameters:
  ///   - spooled: the received data of the items that the client announced, by item number; items without data are missing.
  /// - Throws: `EngineError` when an attribute that all engines interpret in the same way is missing or has the wrong type.
  init(_ definition: OpDef, spooled: [Int: SpooledData]) throws(EngineError) {
    var payloads: [Payload] = []
    switch definition.largeAttribute {
    case .empty: break
    case .chunks(let chunks):
      payloads = chunks.map { Payload(attributes: $0.attributes, content: .bytes($0.buffer)) }
    case .announced(let items):
      payloads = items.enumerated().map { place, item in
        Payload(attributes: item.attributes, content: spooled[place].map { .file($0) } ?? .none)
      }
    }
    var tables: [TableSource] = []
    if definition.op == .dataSource {
      for payload in payloads { tables.append(try TableSourceDecoder(payload).source()) }
    }
    try self.init(
      key: definition.key, type: definition.op, parents: definition.parents, output: definition.outputType,
      arguments: definition.attributes, query: definition.queryArguments,
      payloads: definition.op == .dataSource ? [] : payloads, tables: tables)
  }
}
