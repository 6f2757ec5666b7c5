/// A table of vertices to add.
struct VertexInput {
  var label: String
  var id: Column
  var properties: [Column]
}

/// The vertices of a label, as they will be in the graph, ready to be referenced by edges.
struct BuiltVertices {
  var schema: GraphSchema.VertexLabel
  var stored: Manifest.VertexLabel
  var ids: VertexIDs
  var index: IDIndex
  /// Whether the label has more vertices than in the graph that is being extended.
  var hasGrown: Bool
}

/// Builds the vertices of labels.
struct VertexTables {
  let store: ColumnStore
  let options: GraphOptions
  let hash: WordHash
  let progress: (String) -> Void

  /// Returns the type in which ids are stored and looked up.
  static func storedType(of options: GraphOptions) -> ColumnType { options.idType == .string ? .string : .int64 }

  /// Returns a label of the graph that is being extended, without new rows.
  func shared(_ label: Int, of base: PropertyGraph) throws -> BuiltVertices {
    let stored = base.manifest.vertexLabels[label]
    _ = try store.share(stored.ids, of: base)
    for column in stored.properties { _ = try store.share(column, of: base) }
    if let file = stored.index.file { try store.staging.share(file, of: base) }
    let table = base.vertexTables[label]
    return BuiltVertices(
      schema: base.schema.vertexLabels[label], stored: stored, ids: table.ids, index: table.index, hasGrown: false)
  }

  /// Builds the label with number `label`: first the rows of the graph that is being extended, if it has the label, then those of
  /// the tables.
  func build(_ label: Int, name: String, _ inputs: [VertexInput], extending base: PropertyGraph?) throws
    -> BuiltVertices
  {
    let known = base?.schema.vertexLabels[label]
    let subject = "vertex label '\(name)'"
    let count = inputs.reduce(base?.vertexCount(label: label) ?? 0) { $0 + $1.id.count }
    guard count <= GraphVerification.maximumCount else { throw GraphStoreError.tooMany("vertices", subject, count) }

    let conversion = ColumnConversion(
      staging: store.staging, workers: store.workers, subject: "the ids of \(subject)", isOfIDs: true)
    let type = Self.storedType(of: options)
    var idParts = try inputs.map { try conversion.column($0.id, as: type) }
    if let base { idParts.insert(base.idColumn(label: label), at: 0) }
    let (storedIDs, ids) = try store.store(idParts, type: type, name: "vertex-\(label).ids")

    let userProperties = known.map { label in label.properties.indices.filter { $0 != label.idProperty } }
    let aligned = try store.aligned(
      inputs.map(\.properties), to: userProperties.map { places in places.map { known!.properties[$0] } },
      subject: subject)
    var properties: [GraphSchema.Property] = []
    var stored: [Manifest.Column] = []
    for (position, property) in aligned.enumerated() {
      var parts = property.parts
      if let base, let userProperties {
        parts.insert(base.vertexColumn(label: label, property: userProperties[position]), at: 0)
      }
      properties.append(.init(name: property.name, type: property.type))
      stored.append(try store.store(parts, type: property.type, name: "vertex-\(label).property-\(position)").0)
    }
    if options.retainsIDs {
      let name = known?.idProperty.map { known!.properties[$0].name } ?? inputs[0].id.name
      let (property, column) = try idProperty(label, name, ids, storedIDs, conversion)
      let place = known?.idProperty ?? properties.count
      properties.insert(property, at: place)
      stored.insert(column, at: place)
    }

    let values: VertexIDs = type == .string ? .string(ids.strings) : .int64(ids.values(as: Int64.self))
    let indexName = "vertex-\(label).index"
    let (index, duplicates) = try IDIndex.build(
      values, name: indexName, in: store.staging, hash, store.workers)
    progress("\(subject): \(count) vertices")
    if duplicates > 0 {
      progress("\(subject): \(duplicates) vertices have an id that was added before; lookups find the first")
    }
    return BuiltVertices(
      schema: .init(
        name: name, properties: properties,
        idProperty: options.retainsIDs ? known?.idProperty ?? properties.count - 1 : nil),
      stored: .init(
        count: count, ids: storedIDs,
        index: .init(kind: index.kind, first: index.first, file: index.table == nil ? nil : indexName),
        properties: stored),
      ids: values, index: index, hasGrown: true)
  }

  /// Returns the property that shows the ids: the files of the ids themselves, unless the graph's type of ids is narrower than
  /// the stored type.
  private func idProperty(
    _ label: Int, _ name: String, _ ids: Column, _ stored: Manifest.Column, _ conversion: ColumnConversion
  ) throws -> (GraphSchema.Property, Manifest.Column) {
    guard options.idType == .int32 else { return (.init(name: name, type: ids.type), stored) }
    let narrow = try conversion.column(ids, as: .int32)
    let column = try store.store([narrow], type: .int32, name: "vertex-\(label).id-property").0
    return (.init(name: name, type: .int32), column)
  }
}

extension PropertyGraph {
  /// Returns the ids of a label as a column.
  func idColumn(label: Int) -> Column {
    let stored = manifest.vertexLabels[label].ids
    return Column(
      name: "id", type: VertexTables.storedType(of: options), count: vertexCount(label: label),
      data: files[stored.data]!, characters: stored.characters.map { files[$0]! })
  }
}

extension GraphStoreError {
  /// Returns the error for reaching the maximum number of vertices or edges.
  static func tooMany(_ what: String, _ subject: String, _ count: Int) -> GraphStoreError {
    GraphStoreError(
      .limitExceeded, "\(subject) has too many \(what)", evidence: "\(count)",
      hint: "At most \(GraphVerification.maximumCount) are possible; use several labels")
  }
}
