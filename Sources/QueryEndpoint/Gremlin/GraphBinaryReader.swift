import FoundationEssentials
import NIOCore
import QueryAlgebra
import QueryValues

/// Reads values in GraphBinary 1 from one message.
///
/// A value that is *qualified* has its type and a flag for null before it; others have neither. Nesting and the number of
/// elements are bounded, and no memory is reserved for a length that was only announced.
struct GraphBinaryReader {
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

  mutating func integer<Number: FixedWidthInteger>() throws(GremlinFormatError) -> Number {
    guard let number = bytes.readInteger(as: Number.self) else { throw .truncated }
    return number
  }

  mutating func uuid() throws(GremlinFormatError) -> UUID {
    guard let id = bytes.readUUIDBytes() else { throw .truncated }
    return id
  }

  mutating func text() throws(GremlinFormatError) -> String {
    let count: Int32 = try integer()
    return try text(Int(count))
  }

  private mutating func text(_ count: Int) throws(GremlinFormatError) -> String {
    guard count >= 0, let slice = bytes.readSlice(length: count) else { throw .truncated }
    guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else {
      throw GremlinFormatError(reason: "a text is not UTF-8")
    }
    return text
  }

  /// Reads a qualified value.
  mutating func value(depth: Int = 0) throws(GremlinFormatError) -> Bytecode.Argument {
    guard depth <= maximumNesting else {
      throw GremlinFormatError(reason: "values are nested more than \(maximumNesting) deep")
    }
    let code: UInt8 = try integer()
    guard let type = GraphBinaryType(rawValue: code) else {
      throw GremlinFormatError(reason: "the type 0x\(String(code, radix: 16)) is not supported")
    }
    let flag: UInt8 = try integer()
    if flag & 1 == 1 { return .value(.null) }
    return try content(type, depth)
  }

  private mutating func content(_ type: GraphBinaryType, _ depth: Int) throws(GremlinFormatError) -> Bytecode.Argument {
    if let enumeration = type.enumeration { return .composed(constant: try qualifiedText(), of: enumeration) }
    switch type {
    case .int: return .value(.integer32(try integer()))
    case .long: return .value(.integer(try integer()))
    case .short: return .value(.integer32(Int32(try integer() as Int16)))
    case .byte: return .value(.integer32(Int32(try integer() as Int8)))
    case .boolean: return .value(.boolean(try integer() as UInt8 != 0))
    case .double: return .value(.float(Double(bitPattern: try integer())))
    case .float: return .value(.float32(Float(bitPattern: try integer())))
    case .string: return .value(.string(try text()))
    case .char: return .value(.string(try character()))
    case .uuid: return .value(.string(try uuid().uuidString.lowercased()))
    case .date, .timestamp: return .composed(milliseconds: try integer())
    case .duration: return try duration()
    case .instant: return try instant()
    case .bigInteger: return try bigInteger()
    case .bigDecimal: return try bigDecimal()
    case .byteBuffer: return try byteBuffer()
    case .list: return .composed(list: try elements(depth))
    case .set: return .composed(set: try elements(depth))
    case .bulkSet: return try bulkSet(depth)
    case .map: return .composed(map: try entries(depth))
    case .vertex, .edge, .vertexProperty, .property, .path: return try element(type, depth)
    case .bytecode: return .traversal(try bytecode(depth))
    case .p: return .predicate(type: "P", name: try text(), try elements(depth))
    case .textP: return .predicate(type: "TextP", name: try text(), try elements(depth))
    case .binding: return .binding(name: try text(), try value(depth: depth + 1))
    case .class: return .composed(strategy: try text(), [])
    case .traversalStrategy: return try strategy(depth)
    case .lambda: return try lambda()
    default: throw GremlinFormatError(reason: "the type \(type) is not supported")
    }
  }

  private mutating func refuse(_ why: String) -> Bytecode.Argument {
    if problem == nil { problem = QueryError(.argument, why) }
    return .value(.null)
  }

  private mutating func qualifiedText() throws(GremlinFormatError) -> String {
    guard try integer() as UInt16 == UInt16(GraphBinaryType.string.rawValue) << 8 else {
      throw GremlinFormatError(reason: "the name of a constant is not text")
    }
    return try text()
  }

  /// Takes room for elements, each of which has at least two bytes.
  private mutating func count() throws(GremlinFormatError) -> Int {
    let count = Int(try integer() as Int32)
    guard count >= 0, count <= bytes.readableBytes / 2 else { throw .truncated }
    elementsLeft -= count
    guard elementsLeft >= 0 else { throw GremlinFormatError(reason: "the lists and maps have too many elements") }
    return count
  }

  private mutating func elements(_ depth: Int) throws(GremlinFormatError) -> [Bytecode.Argument] {
    var elements: [Bytecode.Argument] = []
    for _ in 0..<(try count()) { elements.append(try value(depth: depth + 1)) }
    return elements
  }

  /// Reads the entries of a map, also of one that is not qualified.
  mutating func entries(_ depth: Int = 0) throws(GremlinFormatError) -> [(
    key: Bytecode.Argument, value: Bytecode.Argument
  )] {
    var entries: [(key: Bytecode.Argument, value: Bytecode.Argument)] = []
    for _ in 0..<(try count()) { entries.append((try value(depth: depth + 1), try value(depth: depth + 1))) }
    return entries
  }

  private mutating func bulkSet(_ depth: Int) throws(GremlinFormatError) -> Bytecode.Argument {
    var elements: [Bytecode.Argument] = []
    for _ in 0..<(try count()) {
      let element = try value(depth: depth + 1)
      let bulk: Int64 = try integer()
      guard bulk >= 0, bulk <= Int64(elementsLeft) else {
        throw GremlinFormatError(reason: "the lists and maps have too many elements")
      }
      elementsLeft -= Int(bulk)
      elements += Array(repeating: element, count: Int(bulk))
    }
    return .composed(list: elements)
  }

  // MARK: Scalars

  private mutating func character() throws(GremlinFormatError) -> String {
    guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { throw .truncated }
    return try text(first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)
  }

  private mutating func duration() throws(GremlinFormatError) -> Bytecode.Argument {
    let (seconds, nanoseconds): (Int64, Int32) = (try integer(), try integer())
    return checked(.duration(DurationValue(months: 0, days: 0, seconds: seconds, nanoseconds: nanoseconds)))
  }

  private mutating func instant() throws(GremlinFormatError) -> Bytecode.Argument {
    let (seconds, nanoseconds): (Int64, Int32) = (try integer(), try integer())
    return checked(.dateTime(ZonedDateTime(seconds: seconds, nanoseconds: nanoseconds, offset: 0, zone: nil)))
  }

  private mutating func checked(_ temporal: Temporal) -> Bytecode.Argument {
    do throws(QueryError) { return .value(.temporal(try temporal.validated())) } catch { return refuse(error.message) }
  }

  /// Reads a number in two's complement, the highest byte first; nil if it has more than 64 bits.
  private mutating func wideInteger() throws(GremlinFormatError) -> Int64? {
    let count: Int32 = try integer()
    guard count >= 0, let slice = bytes.readSlice(length: Int(count)) else { throw .truncated }
    let digits = slice.readableBytesView
    guard let first = digits.first else { return 0 }
    let isNegative = first & 0x80 != 0
    let significant = digits.drop { $0 == (isNegative ? 0xff : 0) }
    guard significant.count <= 8 else { return nil }
    let bits = significant.reduce(isNegative ? UInt64.max : 0) { $0 << 8 | UInt64($1) }
    let number = Int64(bitPattern: bits)
    return (number < 0) == isNegative ? number : nil
  }

  private mutating func bigInteger() throws(GremlinFormatError) -> Bytecode.Argument {
    try wideInteger().map { .value(.integer($0)) } ?? refuse("Integers of more than 64 bits are not supported")
  }

  private mutating func bigDecimal() throws(GremlinFormatError) -> Bytecode.Argument {
    let scale: Int32 = try integer()
    return try wideInteger().flatMap { .composed(unscaled: $0, scale: scale) }
      ?? refuse("Decimal numbers of more than 15 digits are not supported; send a floating-point number")
  }

  private mutating func byteBuffer() throws(GremlinFormatError) -> Bytecode.Argument {
    let count: Int32 = try integer()
    guard count >= 0, bytes.readSlice(length: Int(count)) != nil else { throw .truncated }
    return refuse("Byte buffers are not supported; send a text")
  }

  // MARK: Elements

  private mutating func element(_ type: GraphBinaryType, _ depth: Int) throws(GremlinFormatError) -> Bytecode.Argument {
    switch type {
    case .vertex:
      let vertex = try vertexReference(depth)
      _ = try value(depth: depth + 1)
      return vertex.map { .value(.vertex($0)) } ?? refuseID()
    case .edge:
      let id = try value(depth: depth + 1).elementID
      _ = try text()
      let (target, source) = (try vertexReference(depth), try vertexReference(depth))
      _ = try value(depth: depth + 1)
      _ = try value(depth: depth + 1)
      guard let id, let source, let target else { return refuseID() }
      return .value(.edge(Edge(id: id, source: source, target: target)))
    case .path:
      let (labels, objects) = (try value(depth: depth + 1), try value(depth: depth + 1))
      return path(labels, objects) ?? refuse("A path holds what is no value")
    default:
      if type == .vertexProperty { _ = try value(depth: depth + 1) }
      let key = try text()
      let content = try value(depth: depth + 1)
      _ = try value(depth: depth + 1)
      if type == .vertexProperty { _ = try value(depth: depth + 1) }
      guard let value = content.plain else { return refuse("A property holds what is no value") }
      return .value(.property(Property(owner: .null, key: key, value: value)))
    }
  }

  private mutating func refuseID() -> Bytecode.Argument { refuse("The identifier of an element is no integer") }

  /// Reads the identifier and the label of a vertex.
  private mutating func vertexReference(_ depth: Int) throws(GremlinFormatError) -> Vertex? {
    let id = try value(depth: depth + 1).elementID
    _ = try text()
    return id.map { Vertex(id: $0) }
  }

  private func path(_ labels: Bytecode.Argument, _ objects: Bytecode.Argument) -> Bytecode.Argument? {
    guard case .list(let labels)? = labels.plain, case .list(let objects)? = objects.plain else { return nil }
    let names = labels.map { label in
      guard case .set(let names) = label else { return [String]() }
      return names.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }
    return .value(.path(Path(objects: objects, labels: names)))
  }

  // MARK: Traversals

  private mutating func bytecode(_ depth: Int) throws(GremlinFormatError) -> Bytecode {
    let steps = try instructions(depth)
    return Bytecode(source: try instructions(depth), steps: steps)
  }

  private mutating func instructions(_ depth: Int) throws(GremlinFormatError) -> [Bytecode.Instruction] {
    var instructions: [Bytecode.Instruction] = []
    for _ in 0..<(try count()) { instructions.append(Bytecode.Instruction(try text(), try elements(depth))) }
    return instructions
  }

  private mutating func strategy(_ depth: Int) throws(GremlinFormatError) -> Bytecode.Argument {
    let name = try text()
    var settings: [(key: String, value: Bytecode.Argument)] = []
    for (key, value) in try entries(depth) {
      guard case .value(.string(let key)) = key else {
        throw GremlinFormatError(reason: "the name of a setting of a strategy is not text")
      }
      settings.append((key, value))
    }
    return .composed(strategy: name, settings)
  }

  private mutating func lambda() throws(GremlinFormatError) -> Bytecode.Argument {
    let language = try text()
    _ = try text()
    _ = try integer() as Int32
    return .lambda(language: language)
  }
}
