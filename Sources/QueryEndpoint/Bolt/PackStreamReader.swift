import NIOCore
import QueryValues

/// Reads values in PackStream, the encoding of Bolt (https://neo4j.com/docs/bolt/current/packstream/), from one message.
///
/// Nesting and the number of elements are bounded, and no memory is reserved for a length that was only announced.
struct PackStreamReader {
  private var bytes: ByteBuffer
  private let maximumNesting: Int
  private var elementsLeft: Int
  /// Why a value that is well formed cannot be used; the first such reason. Null stands for it.
  private(set) var problem: QueryError?

  init(_ bytes: ByteBuffer, maximumNesting: Int, maximumElements: Int) {
    self.bytes = bytes
    self.maximumNesting = maximumNesting
    elementsLeft = maximumElements
  }

  var isAtEnd: Bool { bytes.readableBytes == 0 }

  /// Reads the tag of a structure and the number of its fields.
  mutating func structureHeader() throws(PackStreamError) -> (tag: UInt8, count: Int) {
    let marker: UInt8 = try integer()
    guard marker & 0xf0 == 0xb0 else { throw PackStreamError(reason: "a message is a structure") }
    return (try integer(), Int(marker & 0x0f))
  }

  mutating func value() throws(PackStreamError) -> Value { try value(depth: 0) }

  private mutating func value(depth: Int) throws(PackStreamError) -> Value {
    guard depth <= maximumNesting else {
      throw PackStreamError(reason: "values are nested more than \(maximumNesting) deep")
    }
    let marker: UInt8 = try integer()
    switch marker {
    case 0x00...0x7f: return .integer(Int64(marker))
    case 0xf0...0xff: return .integer(Int64(Int8(bitPattern: marker)))
    case 0x80...0x8f: return .string(try text(Int(marker & 0x0f)))
    case 0x90...0x9f: return try list(Int(marker & 0x0f), depth)
    case 0xa0...0xaf: return .map(try map(Int(marker & 0x0f), depth))
    case 0xb0...0xbf: return try structure(Int(marker & 0x0f), depth)
    case 0xc0: return .null
    case 0xc1: return .float(Double(bitPattern: try integer()))
    case 0xc2: return .boolean(false)
    case 0xc3: return .boolean(true)
    case 0xc8: return .integer(Int64(try integer() as Int8))
    case 0xc9: return .integer(Int64(try integer() as Int16))
    case 0xca: return .integer(Int64(try integer() as Int32))
    case 0xcb: return .integer(try integer())
    case 0xcc...0xce: return try byteArray(try count(marker & 0x03))
    case 0xd0...0xd2: return .string(try text(try count(marker & 0x03)))
    case 0xd4...0xd6: return try list(try count(marker & 0x03), depth)
    case 0xd8...0xda: return .map(try map(try count(marker & 0x03), depth))
    default: throw PackStreamError(reason: "no value begins with 0x\(String(marker, radix: 16))")
    }
  }

  private mutating func integer<Number: FixedWidthInteger>() throws(PackStreamError) -> Number {
    guard let number = bytes.readInteger(as: Number.self) else { throw .truncated }
    return number
  }

  /// Reads a length of 1, 2 or 4 bytes.
  private mutating func count(_ width: UInt8) throws(PackStreamError) -> Int {
    switch width {
    case 0: Int(try integer() as UInt8)
    case 1: Int(try integer() as UInt16)
    default: Int(try integer() as UInt32)
    }
  }

  private mutating func text(_ count: Int) throws(PackStreamError) -> String {
    guard let slice = bytes.readSlice(length: count) else { throw .truncated }
    guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else {
      throw PackStreamError(reason: "a text is not UTF-8")
    }
    return text
  }

  private mutating func byteArray(_ count: Int) throws(PackStreamError) -> Value {
    guard bytes.readSlice(length: count) != nil else { throw .truncated }
    return refuse("Byte arrays are not supported as parameters; send a text or a list of integers")
  }

  private mutating func refuse(_ why: String) -> Value {
    if problem == nil { problem = QueryError(.type, why) }
    return .null
  }

  /// Takes room for elements, each of which has at least one byte.
  private mutating func admit(_ count: Int) throws(PackStreamError) {
    guard count <= bytes.readableBytes else { throw .truncated }
    elementsLeft -= count
    guard elementsLeft >= 0 else { throw PackStreamError(reason: "the lists and maps have too many elements") }
  }

  private mutating func list(_ count: Int, _ depth: Int) throws(PackStreamError) -> Value {
    try admit(count)
    var elements: [Value] = []
    for _ in 0..<count { elements.append(try value(depth: depth + 1)) }
    return .list(elements)
  }

  private mutating func map(_ count: Int, _ depth: Int) throws(PackStreamError) -> ValueMap {
    try admit(count)
    var map = ValueMap()
    for _ in 0..<count {
      guard case .string(let key) = try value(depth: depth + 1) else {
        throw PackStreamError(reason: "a key of a map is not text")
      }
      map[key] = try value(depth: depth + 1)
    }
    return map
  }

  private mutating func structure(_ count: Int, _ depth: Int) throws(PackStreamError) -> Value {
    let tag: UInt8 = try integer()
    try admit(count)
    var fields: [Value] = []
    for _ in 0..<count { fields.append(try value(depth: depth + 1)) }
    do throws(QueryError) {
      if let temporal = try BoltTemporal.decode(tag, fields) { return .temporal(temporal) }
    } catch {
      if problem == nil { problem = error }
      return .null
    }
    switch tag {
    case 0x4e, 0x52, 0x72, 0x50: return refuse("Nodes, relationships and paths cannot be parameters; send their ids")
    case 0x58, 0x59: return refuse("Points are not supported as parameters; send their coordinates as a list")
    default: return refuse("Parameters of the structure 0x\(String(tag, radix: 16)) are not supported")
    }
  }
}
