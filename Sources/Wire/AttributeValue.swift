import CGraphScopeProto
import Vocabulary

extension AttributeValue: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__AttrValue>) throws(WireError) {
    let c = c.pointee
    switch c.value_case {
    case GS__RPC__ATTR_VALUE__VALUE_NULL: self = .null
    case GS__RPC__ATTR_VALUE__VALUE_S: self = .bytes(Wire.bytes(c.s))
    case GS__RPC__ATTR_VALUE__VALUE_I: self = .int(c.i)
    case GS__RPC__ATTR_VALUE__VALUE_U: self = .uint(c.u)
    case GS__RPC__ATTR_VALUE__VALUE_F: self = .float(c.f)
    case GS__RPC__ATTR_VALUE__VALUE_B: self = .bool(c.b != 0)
    case GS__RPC__ATTR_VALUE__VALUE_LIST: self = .list(try AttributeList(reading: c.list))
    case GS__RPC__ATTR_VALUE__VALUE_FUNC: self = .function(try NamedAttributes(reading: c.func))
    default: self = .unset
    }
  }

  func fill(_ c: inout Gs__Rpc__AttrValue, in arena: Arena) {
    switch self {
    case .unset: break
    case .null: c.value_case = GS__RPC__ATTR_VALUE__VALUE_NULL
    case .bytes(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_S
      c.s = arena.bytes(value)
    case .int(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_I
      c.i = value
    case .uint(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_U
      c.u = value
    case .float(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_F
      c.f = value
    case .bool(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_B
      c.b = value ? 1 : 0
    case .list(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_LIST
      c.list = value.build(in: arena)
    case .function(let value):
      c.value_case = GS__RPC__ATTR_VALUE__VALUE_FUNC
      c.func = value.build(in: arena)
    }
  }
}

extension AttributeList: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__AttrValue__ListValue>) throws(WireError) {
    self.init()
    let c = c.pointee
    bytes = try list(c.n_s, c.s) { Wire.bytes($0) }
    ints = try list(c.n_i, c.i) { $0 }
    floats = try list(c.n_f, c.f) { $0 }
    bools = try list(c.n_b, c.b) { $0 != 0 }
    functions = try messages(c.n_func, c.func)
    lists = try messages(c.n_list, c.list)
  }

  func fill(_ c: inout Gs__Rpc__AttrValue__ListValue, in arena: Arena) {
    (c.n_s, c.s) = (bytes.count, arena.list(bytes, of: ProtobufCBinaryData.self) { arena.bytes($0) })
    (c.n_i, c.i) = (ints.count, arena.list(ints, of: Int64.self) { $0 })
    (c.n_f, c.f) = (floats.count, arena.list(floats, of: Float.self) { $0 })
    (c.n_b, c.b) = (bools.count, arena.list(bools, of: protobuf_c_boolean.self) { $0 ? 1 : 0 })
    (c.n_func, c.func) = (functions.count, arena.messages(functions))
    (c.n_list, c.list) = (lists.count, arena.messages(lists))
  }
}

extension NamedAttributes: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__NameAttrList>) throws(WireError) {
    self.init(
      name: try text(c.pointee.name, "NameAttrList.name"),
      attributes: try Wire.attributes(c.pointee.n_attr, c.pointee.attr))
  }

  func fill(_ c: inout Gs__Rpc__NameAttrList, in arena: Arena) {
    c.name = arena.text(name)
    (c.n_attr, c.attr) = (attributes.count, arena.attributes(attributes))
  }
}

/// An entry of a map of attributes. On the wire, a map is a list of such entries, and protoc-gen-c generates a separate struct
/// for each map.
protocol AttributeEntry: CMessage {
  var key: Int32 { get set }
  var value: UnsafeMutablePointer<Gs__Rpc__AttrValue>! { get set }
}

extension Gs__Rpc__OpDef__AttrEntry: AttributeEntry {}
extension Gs__Rpc__NameAttrList__AttrEntry: AttributeEntry {}
extension Gs__Rpc__Chunk__AttrEntry: AttributeEntry {}
extension Gs__Rpc__ChunkMeta__AttrEntry: AttributeEntry {}

/// Reads a map from its entries. If several entries have the same key, the last one counts, as the protobuf specification
/// requires.
func attributes<E: AttributeEntry>(
  _ count: Int, _ entries: UnsafeMutablePointer<UnsafeMutablePointer<E>?>?
) throws(WireError) -> [ParamKey: AttributeValue] {
  guard let entries else { return [:] }
  var result: [ParamKey: AttributeValue] = [:]
  result.reserveCapacity(count)
  for index in 0..<count {
    guard let entry = entries[index] else { continue }
    let value: UnsafeMutablePointer<Gs__Rpc__AttrValue>? = entry.pointee.value
    result[ParamKey(rawValue: entry.pointee.key)] = if let value { try AttributeValue(reading: value) } else { .unset }
  }
  return result
}

extension Arena {
  /// Writes the entries of a map, in the order of their keys so that equal messages have equal bytes.
  func attributes<E: AttributeEntry>(
    _ attributes: [ParamKey: AttributeValue]
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<E>?>? {
    list(attributes.sorted { $0.key.rawValue < $1.key.rawValue }, of: UnsafeMutablePointer<E>?.self) { key, value in
      let entry = make(E.self)
      entry.pointee.key = key.rawValue
      entry.pointee.value = value.build(in: self)
      return entry
    }
  }
}
