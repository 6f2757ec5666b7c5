import Engines
import FoundationEssentials
import GRPC
import JSON
import Synchronization
import Vocabulary
import Wire

extension NativeAnalyticalEngine {
  /// Returns the answer in the form that the client expects, and records the engine's new objects for later operations.
  func noted(
    _ answer: EngineConnection.Answer, of operation: OpDef, _ inputs: NativeInputs
  ) throws -> AnalyticalResult {
    if let stream = answer.stream { return .stream(watched(stream)) }
    let result = answer.result
    switch operation.op {
    case .bindApp: return try bound(result, operation, inputs)
    case .runApp: return try context(result, inputs)
    case .unloadGraph: return forget { $0.graphs[inputs.graph?.key ?? ""] = nil }
    case .unloadApp: return forget { $0.applications[inputs.application?.key ?? ""] = nil }
    case .unloadContext: return forget { $0.contexts[inputs.context?.key ?? ""] = nil }
    case .toVineyardDataframe, .toVineyardTensor:
      let answer = try? JSONValue(parsing: String(decoding: result.result, as: UTF8.self))
      objects.withLock { $0.noteFrame(answer?["object_id"]?.text, of: operation.key) }
    default: break
    }
    if let graph = result.graph { return try made(graph, by: operation.op) }
    return result.result.isEmpty ? .done : .value(result.result)
  }

  /// Returns a stream that reports the cause if the engine ends before the stream does.
  private func watched(_ stream: ResultStream) -> ResultStream {
    ResultStream { [self] in
      do { return try await stream.next() } catch let status as GRPCStatus {
        throw await death()
          ?? EngineError(.engineFailure, "the engine's result was interrupted: \(status.message)")
      }
    }
  }

  private func forget(_ body: (inout NativeObjects) -> Void) -> AnalyticalResult {
    objects.withLock { body(&$0) }
    return .done
  }

  private func made(_ graph: GraphDef, by operation: OperationType) throws -> AnalyticalResult {
    var graph = graph
    let wantsSchemaFile: [OperationType] = [
      .createGraph, .projectGraph, .consolidateColumns, .projectToSimple, .transformGraph, .addLabels, .addColumn,
    ]
    if graph.type == .arrowProperty, wantsSchemaFile.contains(operation), case .vineyard(var info) = graph.info {
      info.schemaPath = try writeSchema(info.propertySchemaJSON, of: graph.key)
      graph.info = .vineyard(info)
    }
    objects.withLock { $0.graphs[graph.key] = graph }
    return .encodedGraph(EncodedGraph(graph))
  }

  /// Writes the schema file for query engines.
  private func writeSchema(_ json: String, of key: String) throws -> String {
    guard key.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 > 32 }), key.utf8.count < 200 else {
      throw EngineError(.engineFailure, "the engine returned an invalid key of a graph: '\(key)'")
    }
    let path = "\(processes.commands.directory)/\(key).json"
    let text = Data(try QuerySchema.text(json).utf8)
    do { try places.user.files { try text.write(to: URL(filePath: path)) } } catch let error as EngineError {
      throw error
    } catch {
      throw EngineError(.internalFailure, "the schema of a graph cannot be written to '\(path)': \(error)")
    }
    return path
  }

  private func bound(_ result: OpResult, _ operation: OpDef, _ inputs: NativeInputs) throws -> AnalyticalResult {
    let key = String(decoding: result.result, as: UTF8.self)
    let graph = try inputs.requiredGraph()
    let application = NativeObjects.Application(
      graph: graph.key, definition: graph.definition, library: operation.attributes[.appLibraryPath]?.text ?? "")
    objects.withLock { $0.applications[key] = application }
    return .boundApplication(key: key)
  }

  private func context(_ result: OpResult, _ inputs: NativeInputs) throws -> AnalyticalResult {
    let text = String(decoding: result.result, as: UTF8.self)
    guard let json = try? JSONValue(parsing: text), let key = json["context_key"]?.text,
      let kind = (json["context_type"]?.text).flatMap(ContextDescription.Kind.init)
    else { throw EngineError(.engineFailure, "the engine described a result in a way that cannot be read: \(text)") }
    let context = NativeObjects.Context(kind: kind, definition: try inputs.requiredApplication().application.definition)
    objects.withLock { $0.contexts[key] = context }
    return .context(ContextDescription(key: key, kind: kind, schema: json["context_schema"]?.text ?? ""))
  }
}

extension EncodedGraph {
  /// Creates the description of a graph from the engine's definition.
  fileprivate init(_ graph: GraphDef) {
    var number: Int64?
    if case .vineyard(let info) = graph.info, info.objectID != 0 { number = info.objectID }
    self.init(key: graph.key, objectID: number, definition: graph.encodedBytes)
  }
}
