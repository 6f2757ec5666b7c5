import CGraphScopeProto
import Vocabulary

/// A label of a property graph and its properties.
public struct TypeDef: Sendable, Equatable {
  /// Version of the schema; 0 for the graphs of a session.
  public var version: Int32 = 0
  /// The name.
  public var label = ""
  /// The number among the labels of its kind, from 0.
  public var labelID: Int32?
  /// Whether it is a label of vertices or edges.
  public var kind = LabelKind.vertex
  /// The properties.
  public var properties: [PropertyDef] = []
  /// A comment.
  public var comment = ""

  /// Creates a label without properties.
  public init() {}
}

/// A property of a label.
public struct PropertyDef: Sendable, Equatable {
  /// The number within its label.
  public var id: Int32 = 0
  /// The number within a store.
  public var innerID: Int32 = 0
  /// The name.
  public var name = ""
  /// The type.
  public var type = DataType.unknown
  /// The value for vertices or edges that have none.
  public var defaultValue: PropertyValue?
  /// Whether it holds the original ids.
  public var isPrimaryKey = false
  /// A comment.
  public var comment = ""

  /// Creates a property without a name.
  public init() {}
}

/// A value of a property.
public struct PropertyValue: Sendable, Equatable {
  /// The type.
  public var type: DataType
  /// The value in the encoding of a store.
  public var bytes: [UInt8]

  /// Creates a value.
  public init(type: DataType, bytes: [UInt8]) {
    self.type = type
    self.bytes = bytes
  }
}

/// One relation of an edge label: the vertex labels at its ends.
public struct EdgeKind: Sendable, Equatable {
  /// The edge label.
  public var edge = ""
  /// The number of the edge label; nil for the graphs of a session.
  public var edgeID: Int32?
  /// The label of the sources.
  public var source = ""
  /// The number of the source label.
  public var sourceID: Int32?
  /// The label of the destinations.
  public var destination = ""
  /// The number of the destination label.
  public var destinationID: Int32?

  /// Creates a relation of labels given by name.
  public init(edge: String = "", source: String = "", destination: String = "") {
    self.edge = edge
    self.source = source
    self.destination = destination
  }
}

extension TypeDef: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__TypeDefPb>) throws(WireError) {
    let c = c.pointee
    version = c.version_id
    label = try text(c.label, "TypeDefPb.label")
    labelID = id(c.label_id)
    kind = try enumeration(c.type_enum.rawValue, "TypeDefPb.type_enum")
    properties = try messages(c.n_props, c.props)
    comment = try text(c.comment, "TypeDefPb.comment")
  }

  func fill(_ c: inout Gs__Rpc__Graph__TypeDefPb, in arena: Arena) {
    c.version_id = version
    c.label = arena.text(label)
    c.label_id = arena.id(labelID)
    c.type_enum = Gs__Rpc__Graph__TypeEnumPb(number(kind))
    (c.n_props, c.props) = (properties.count, arena.messages(properties))
    c.comment = arena.text(comment)
  }
}

extension PropertyDef: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__PropertyDefPb>) throws(WireError) {
    let c = c.pointee
    id = c.id
    innerID = c.inner_id
    name = try text(c.name, "PropertyDefPb.name")
    type = try enumeration(c.data_type.rawValue, "PropertyDefPb.data_type")
    let value: UnsafeMutablePointer<Gs__Rpc__Graph__PropertyValuePb>? = c.default_value
    defaultValue = if let value { try PropertyValue(reading: value) } else { nil }
    isPrimaryKey = c.pk != 0
    comment = try text(c.comment, "PropertyDefPb.comment")
  }

  func fill(_ c: inout Gs__Rpc__Graph__PropertyDefPb, in arena: Arena) {
    c.id = id
    c.inner_id = innerID
    c.name = arena.text(name)
    c.data_type = Gs__Rpc__Graph__DataTypePb(number(type))
    c.default_value = defaultValue?.build(in: arena)
    c.pk = isPrimaryKey ? 1 : 0
    c.comment = arena.text(comment)
  }
}

extension PropertyValue: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__PropertyValuePb>) throws(WireError) {
    type = try enumeration(c.pointee.data_type.rawValue, "PropertyValuePb.data_type")
    bytes = Wire.bytes(c.pointee.val)
  }

  func fill(_ c: inout Gs__Rpc__Graph__PropertyValuePb, in arena: Arena) {
    c.data_type = Gs__Rpc__Graph__DataTypePb(number(type))
    c.val = arena.bytes(bytes)
  }
}

extension EdgeKind: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__EdgeKindPb>) throws(WireError) {
    let c = c.pointee
    edge = try text(c.edge_label, "EdgeKindPb.edge_label")
    edgeID = id(c.edge_label_id)
    source = try text(c.src_vertex_label, "EdgeKindPb.src_vertex_label")
    sourceID = id(c.src_vertex_label_id)
    destination = try text(c.dst_vertex_label, "EdgeKindPb.dst_vertex_label")
    destinationID = id(c.dst_vertex_label_id)
  }

  func fill(_ c: inout Gs__Rpc__Graph__EdgeKindPb, in arena: Arena) {
    c.edge_label = arena.text(edge)
    c.edge_label_id = arena.id(edgeID)
    c.src_vertex_label = arena.text(source)
    c.src_vertex_label_id = arena.id(sourceID)
    c.dst_vertex_label = arena.text(destination)
    c.dst_vertex_label_id = arena.id(destinationID)
  }
}

/// Returns the number in its optional wrapper message.
private func id(_ c: UnsafeMutablePointer<Gs__Rpc__Graph__LabelIdPb>?) -> Int32? { c?.pointee.id }

extension Arena {
  fileprivate func id(_ id: Int32?) -> UnsafeMutablePointer<Gs__Rpc__Graph__LabelIdPb>? {
    guard let id else { return nil }
    let message = make(Gs__Rpc__Graph__LabelIdPb.self)
    message.pointee.id = id
    return message
  }
}
