import CGraphScopeProto
import Vocabulary

extension QueryArgument: Bridged {
  init(reading c: UnsafePointer<Google__Protobuf__Any>) throws(WireError) {
    let packed = c.pointee.packed
    let name = try c.pointee.messageName()
    func read<C: CMessage>(
      _: C.Type, _ value: (C) throws(WireError) -> QueryArgument
    ) throws(WireError) -> QueryArgument {
      try C.withUnpacked(packed) { c throws(WireError) in try value(c.pointee) }
    }
    self =
      switch name {
      case "gs.rpc.BoolValue": try read(Gs__Rpc__BoolValue.self) { .bool($0.value != 0) }
      case "gs.rpc.Int32Value": try read(Gs__Rpc__Int32Value.self) { .int32($0.value) }
      case "gs.rpc.UInt32Value": try read(Gs__Rpc__UInt32Value.self) { .uint32($0.value) }
      case "gs.rpc.Int64Value": try read(Gs__Rpc__Int64Value.self) { .int64($0.value) }
      case "gs.rpc.UInt64Value": try read(Gs__Rpc__UInt64Value.self) { .uint64($0.value) }
      case "gs.rpc.FloatValue": try read(Gs__Rpc__FloatValue.self) { .float($0.value) }
      case "gs.rpc.DoubleValue": try read(Gs__Rpc__DoubleValue.self) { .double($0.value) }
      case "gs.rpc.StringValue":
        try read(Gs__Rpc__StringValue.self) { c throws(WireError) in .string(try text(c.value, "StringValue.value")) }
      case "gs.rpc.BytesValue": try read(Gs__Rpc__BytesValue.self) { .bytes(Wire.bytes($0.value)) }
      default:
        throw WireError(
          .unknownValue, "An argument of a query has an unknown type.", evidence: "\(name)",
          hint: "Pass bool, int, float, str or bytes")
      }
  }

  func fill(_ c: inout Google__Protobuf__Any, in arena: Arena) {
    switch self {
    case .bool(let value):
      c.pack(Gs__Rpc__BoolValue.self, as: "gs.rpc.BoolValue", in: arena) { $0.value = value ? 1 : 0 }
    case .int32(let value): c.pack(Gs__Rpc__Int32Value.self, as: "gs.rpc.Int32Value", in: arena) { $0.value = value }
    case .uint32(let value): c.pack(Gs__Rpc__UInt32Value.self, as: "gs.rpc.UInt32Value", in: arena) { $0.value = value }
    case .int64(let value): c.pack(Gs__Rpc__Int64Value.self, as: "gs.rpc.Int64Value", in: arena) { $0.value = value }
    case .uint64(let value): c.pack(Gs__Rpc__UInt64Value.self, as: "gs.rpc.UInt64Value", in: arena) { $0.value = value }
    case .float(let value): c.pack(Gs__Rpc__FloatValue.self, as: "gs.rpc.FloatValue", in: arena) { $0.value = value }
    case .double(let value): c.pack(Gs__Rpc__DoubleValue.self, as: "gs.rpc.DoubleValue", in: arena) { $0.value = value }
    case .string(let value):
      c.pack(Gs__Rpc__StringValue.self, as: "gs.rpc.StringValue", in: arena) { $0.value = arena.text(value) }
    case .bytes(let value):
      c.pack(Gs__Rpc__BytesValue.self, as: "gs.rpc.BytesValue", in: arena) { $0.value = arena.bytes(value) }
    }
  }
}
