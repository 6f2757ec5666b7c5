import Engines
import JSON
import Vocabulary
import Wire

/// Completes a client's operation with the facts that the engine requires: keys of objects, numbers instead of names, types. A
/// pure function of the operation and its inputs.
struct OperationPreparation {
  let inputs: NativeInputs
  let installation: Installation

  /// Returns the client's operation in the form that the engine requires.
  func prepared(_ operation: OpDef) throws(EngineError) -> OpDef {
    var operation = operation
    // Clients refer to operations, which are unknown to the engine.
    switch operation.op {
    case .createGraph: createGraph(&operation)
    case .addLabels: try addLabels(&operation)
    case .consolidateColumns: set(.graphName, try inputs.requiredGraph().key, in: &operation)
    case .toDirected, .toUndirected: try transform(&operation)
    case .projectGraph: try project(&operation)
    case .projectToSimple: try projectToSimple(&operation)
    case .addColumn: try addColumn(&operation)
    case .archiveGraph: try nameGraph(&operation)
    case .bindApp: try bind(&operation)
    case .runApp: try run(&operation)
    case .contextToNumpy, .toVineyardTensor: try readContext(&operation, isFrame: false)
    case .contextToDataframe, .toVineyardDataframe, .output: try readContext(&operation, isFrame: true)
    case .graphToNumpy: try readGraph(&operation, isFrame: false)
    case .graphToDataframe: try readGraph(&operation, isFrame: true)
    case .unloadGraph: try nameGraph(&operation)
    case .unloadApp: set(.appName, try inputs.requiredApplication().key, in: &operation)
    case .unloadContext: set(.contextKey, try inputs.requiredContext().key, in: &operation)
    default: break
    }
    return operation
  }

  private func set(_ key: ParamKey, _ text: String, in operation: inout OpDef) {
    operation.attributes[key] = .text(text)
  }

  private func set(_ key: ParamKey, _ number: Int, in operation: inout OpDef) {
    operation.attributes[key] = .int(Int64(number))
  }

  // MARK: Graphs

  private func createGraph(_ operation: inout OpDef) {
    guard !inputs.tables.isEmpty else { return }
    announceTables(&operation)
    nameJava(&operation)
  }

  private func addLabels(_ operation: inout OpDef) throws(EngineError) {
    set(.graphName, try inputs.requiredGraph().key, in: &operation)
    announceTables(&operation)
  }

  private func announceTables(_ operation: inout OpDef) {
    operation.largeAttribute = .announced(inputs.tables.map { ChunkMeta($0.original ?? Payload()) })
  }

  /// Sets the class path of Java, which the engine requires even if Java is not installed.
  private func nameJava(_ operation: inout OpDef) {
    set(.javaClassPath, installation.javaClassPath, in: &operation)
    set(.jvmOpts, installation.javaOptions, in: &operation)
  }

  private func transform(_ operation: inout OpDef) throws(EngineError) {
    if operation.attributes[.graphName] == nil { set(.graphName, try inputs.requiredGraph().key, in: &operation) }
  }

  /// Sets the graph's key, and its number in the store if it has one.
  private func nameGraph(_ operation: inout OpDef) throws(EngineError) {
    let graph = try inputs.requiredGraph()
    set(.graphName, graph.key, in: &operation)
    if case .vineyard(let info) = graph.definition.info { operation.attributes[.vineyardID] = .int(info.objectID) }
  }

  private func project(_ operation: inout OpDef) throws(EngineError) {
    let graph = try inputs.requiredGraph()
    let schema = try NativeSchema(of: graph.definition)
    let vertices = try collections(operation.attributes[.vertexCollections])
    let edges = try collections(operation.attributes[.edgeCollections])
    var vertexNumbers = NamedAttributes()
    for (name, properties) in vertices {
      let label = try schema.vertexLabel(name)
      vertexNumbers.attributes[ParamKey(rawValue: Int32(label))] = try numbers(properties, of: schema.vertices[label])
    }
    var edgeNumbers = NamedAttributes()
    let kept = Set(vertices.map(\.label))
    for (name, properties) in edges {
      let label = try schema.edgeLabel(name)
      guard schema.edges[label].relations.contains(where: { kept.contains($0.source) && kept.contains($0.destination) })
      else { throw EngineError(.invalidValue, "Cannot find a valid relation in given vertices and edges") }
      edgeNumbers.attributes[ParamKey(rawValue: Int32(label))] = try numbers(properties, of: schema.edges[label])
    }
    var definition = AttributeList()
    definition.functions = [vertexNumbers, edgeNumbers]
    set(.graphName, graph.key, in: &operation)
    operation.attributes[.arrowPropertyDefinition] = .list(definition)
    operation.attributes[.vertexCollections] = nil
    operation.attributes[.edgeCollections] = nil
  }

  /// Returns the numbers of the named properties, or of all visible properties.
  private func numbers(_ names: [String]?, of label: NativeSchema.Label) throws(EngineError) -> AttributeValue {
    var list = AttributeList()
    if let names {
      for name in names { list.ints.append(Int64(try label.property(name))) }
      list.ints.sort()
    } else {
      list.ints = label.visible.map { Int64($0.id) }
    }
    return .list(list)
  }

  /// Reads `{label: [properties] | null}`.
  private func collections(
    _ value: AttributeValue?
  ) throws(EngineError) -> [(label: String, properties: [String]?)] {
    guard let text = value?.text, let members = try? JSONValue(parsing: text).members else {
      throw EngineError(.invalidArgument, "PROJECT_GRAPH: labels are not a JSON object")
    }
    return members.map { ($0.key, $0.value.elements.map { $0.compactMap(\.text) }) }
  }

  // MARK: Simple graphs

  private func projectToSimple(_ operation: inout OpDef) throws(EngineError) {
    let graph = try inputs.requiredGraph()
    set(.graphName, graph.key, in: &operation)
    if case .mutable(let info) = graph.definition.info { return try projectMutable(&operation, info) }
    guard case .vineyard(let info) = graph.definition.info else {
      throw EngineError(.notApplicable, "a graph of type \(graph.definition.type) cannot be projected to a simple one")
    }
    let schema = try NativeSchema(info.propertySchemaJSON)
    let vertices = schema.vertices.indices.filter { schema.vertices[$0].isValid }
    let edges = schema.edges.indices.filter { schema.edges[$0].isValid }
    guard let vertex = vertices.first else { throw Self.nothing("vertex") }
    guard let edge = edges.first else { throw Self.nothing("edge") }
    let isSimple = vertices.count == 1 && edges.count == 1
    let vertexProperty = try choose(
      operation.attributes[.vPropKey], among: vertices.map { schema.vertices[$0] }, "vertex", isSimple)
    let edgeProperty = try choose(
      operation.attributes[.ePropKey], among: edges.map { schema.edges[$0] }, "edge", isSimple)
    set(.oidType, try info.oidType.cppName(), in: &operation)
    set(.vidType, try info.vidType.cppName(), in: &operation)
    set(.vDataType, try vertexProperty.type.cppName(), in: &operation)
    set(.eDataType, try edgeProperty.type.cppName(), in: &operation)
    guard isSimple else {
      set(.graphType, Int(GraphType.arrowFlattened.rawValue), in: &operation)
      set(.vPropKey, "\(vertexProperty.id)", in: &operation)
      set(.ePropKey, "\(edgeProperty.id)", in: &operation)
      return
    }
    let (v, e) = (schema.vertices[vertex].name, schema.edges[edge].name)
    guard schema.edges[edge].relations.contains(where: { $0 == (v, v) }) else {
      throw EngineError(
        .invalidArgument, "Cannot project to simple, Graph doesn't contain such relationship: \(v) -> \(e) <- \(v).")
    }
    set(.graphType, Int(GraphType.arrowProjected.rawValue), in: &operation)
    set(.vLabelID, vertex, in: &operation)
    set(.vPropID, vertexProperty.id, in: &operation)
    set(.eLabelID, edge, in: &operation)
    set(.ePropID, edgeProperty.id, in: &operation)
  }

  private static func nothing(_ kind: String) -> EngineError {
    EngineError(.runtimeFailure, "Failed to project to simple graph as no \(kind) exists in this graph.")
  }

  /// Returns the property that the client names, or the only one of a graph that is already simple; -1 for none.
  private func choose(
    _ key: AttributeValue?, among labels: [NativeSchema.Label], _ kind: String, _ isSimple: Bool
  ) throws(EngineError) -> (id: Int, type: DataType) {
    let name = key?.text ?? "None"
    guard name != "None" else {
      let visible = labels[0].visible
      return isSimple && visible.count == 1 ? visible[0] : (-1, .null)
    }
    guard labels.allSatisfy({ $0.shows(name) }) else {
      throw EngineError(.runtimeFailure, "Property \(name) doesn't exists in all \(kind) labels")
    }
    let id = try labels[0].property(name)
    return (id, labels[0].properties[id].type)
  }

  private func projectMutable(_ operation: inout OpDef, _ info: MutableGraphInfo) throws(EngineError) {
    let schema = try? JSONValue(parsing: info.propertySchemaJSON)
    func type(_ key: ParamKey, _ kind: String) throws(EngineError) -> String {
      guard let name = operation.attributes[key]?.text, name != "None",
        case .integer(let number)? = schema?[kind]?[name], let type = Int32(exactly: number).flatMap(DataType.init)
      else { return try DataType.null.cppName() }
      return try type.cppName()
    }
    let (vertexData, edgeData) = (try type(.vPropKey, "vertex"), try type(.ePropKey, "edge"))
    set(.graphType, Int(GraphType.dynamicProjected.rawValue), in: &operation)
    set(.vDataType, vertexData, in: &operation)
    set(.eDataType, edgeData, in: &operation)
  }

  // MARK: Applications

  private func bind(_ operation: inout OpDef) throws(EngineError) {
    let graph = try inputs.requiredGraph()
    if let algorithm = inputs.algorithm {
      set(.appAlgo, algorithm.name, in: &operation)
      if !algorithm.archive.isEmpty { operation.attributes[.gar] = .bytes(algorithm.archive) }
    }
    set(.graphName, graph.key, in: &operation)
    set(.graphType, Int(graph.definition.type.rawValue), in: &operation)
    switch graph.definition.info {
    case .vineyard(let info):
      set(.oidType, try info.oidType.cppName(), in: &operation)
      set(.vidType, try info.vidType.cppName(), in: &operation)
      set(.vDataType, try info.vertexDataType.cppName(), in: &operation)
      set(.eDataType, try info.edgeDataType.cppName(), in: &operation)
    case .mutable(let info):
      set(.vDataType, try info.vertexDataType.cppName(), in: &operation)
      set(.eDataType, try info.edgeDataType.cppName(), in: &operation)
    case .none, .other:
      throw EngineError(.notApplicable, "an algorithm cannot be bound to a graph of type \(graph.definition.type)")
    }
  }

  private func run(_ operation: inout OpDef) throws(EngineError) {
    let (key, application) = try inputs.requiredApplication()
    set(.graphName, application.graph, in: &operation)
    set(.appName, key, in: &operation)
    nameJava(&operation)
  }

  // MARK: Results

  private func addColumn(_ operation: inout OpDef) throws(EngineError) {
    let graph = try inputs.requiredGraph()
    let (key, context) = try inputs.requiredContext()
    let translation = SelectorTranslation(kind: context.kind, schema: try NativeSchema(of: graph.definition))
    set(.graphName, graph.key, in: &operation)
    set(.graphType, Int(graph.definition.type.rawValue), in: &operation)
    set(.contextKey, key, in: &operation)
    set(.selector, try translation.frame(operation.attributes[.selector]?.text ?? ""), in: &operation)
  }

  private func readContext(_ operation: inout OpDef, isFrame: Bool) throws(EngineError) {
    let (key, context) = try inputs.requiredContext()
    set(.contextKey, key, in: &operation)
    try translate(&operation, context.kind, context.definition, isFrame: isFrame)
  }

  private func readGraph(_ operation: inout OpDef, isFrame: Bool) throws(EngineError) {
    let graph = try inputs.requiredGraph()
    set(.graphName, graph.key, in: &operation)
    try translate(&operation, .labeledVertexProperty, graph.definition, isFrame: isFrame)
  }

  private func translate(
    _ operation: inout OpDef, _ kind: ContextDescription.Kind, _ graph: GraphDef, isFrame: Bool
  ) throws(EngineError) {
    let translation = SelectorTranslation(kind: kind, schema: try NativeSchema(of: graph))
    let text = operation.attributes[.selector]?.text ?? ""
    if isFrame {
      set(.selector, try translation.frame(text), in: &operation)
    } else if let selector = try translation.selector(text) {
      set(.selector, selector, in: &operation)
    }
  }
}

extension NativeSchema {
  /// Creates the schema of a graph; it is empty for mutable graphs.
  init(of graph: GraphDef) throws(EngineError) {
    if case .vineyard(let info) = graph.info { try self.init(info.propertySchemaJSON) } else { try self.init("") }
  }
}
