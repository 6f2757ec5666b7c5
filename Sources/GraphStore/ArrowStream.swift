/// The schema and record batches of an Arrow IPC stream, validated but not copied ("Arrow Columnar Format", arrow.apache.org,
/// section "Serialization and Interprocess Communication").
struct ArrowStream {
  /// One column of one batch. Its buffers lie within the stream and are long enough for its rows.
  struct Part {
    let rowCount: Int
    /// One bit per row, set if the row has a value; nil if all rows have one.
    let validity: UnsafeRawBufferPointer?
    /// Values, bits or offsets, at any alignment.
    let values: UnsafeRawBufferPointer
    let characters: UnsafeRawBufferPointer
  }

  private(set) var fields: [ArrowField] = []
  /// The batches in the order of the stream, each with one part per field.
  private(set) var batches: [[Part]] = []
  private(set) var rowCount = 0
  /// Whether all batches were read, and the number of bytes up to the end of the last batch that was read.
  private(set) var isWhole = true
  private(set) var byteCount = 0
  private let bytes: UnsafeRawBufferPointer

  /// Reads all messages, or the messages up to `batchLimit` batches. `bytes` must outlive the stream.
  init(_ bytes: UnsafeRawBufferPointer, batchLimit: Int = .max) throws(GraphStoreError) {
    self.bytes = bytes
    var hasSchema = false
    var position = 0
    while let message = try Self.message(in: bytes, at: &position) {
      defer { byteCount = position }
      switch message.kind {
      case 1:
        guard !hasSchema else { throw .malformedArrow("a second schema") }
        fields = try ArrowField.fields(of: message.header)
        hasSchema = true
      case 2:
        throw GraphStoreError(
          .invalidArgument, "the Arrow stream holds dictionaries, which cannot be loaded",
          hint: "Convert categories to plain values, such as with .astype(str)")
      case 3:
        guard hasSchema else { throw .malformedArrow("a record batch before the schema") }
        try append(message.header, body: message.body)
        if batches.count == batchLimit {
          isWhole = position == bytes.count
          return
        }
      default: throw .malformedArrow("a message of the unknown kind \(message.kind)")
      }
    }
    guard hasSchema else { throw .malformedArrow("there is no schema") }
  }

  // MARK: Messages ("Message.fbs" of the Arrow format)

  private struct Message {
    let kind: UInt8
    let header: FlatbufferTable
    let body: UnsafeRawBufferPointer
  }

  /// Reads the message at `position` and advances `position` past it. Returns nil at the end of the stream, marked or not.
  private static func message(
    in bytes: UnsafeRawBufferPointer, at position: inout Int
  ) throws(GraphStoreError) -> Message? {
    guard position < bytes.count else { return nil }
    var length = try word(in: bytes, at: &position)
    // Streams written before Arrow 0.15 lack the marker before the length.
    if length == 0xFFFF_FFFF { length = try word(in: bytes, at: &position) }
    if length == 0 { return nil }
    let metadata = try slice(bytes, at: &position, byteCount: Int(length))
    let root = try FlatbufferTable(rootOf: metadata)
    let version = try root.scalar(0, absent: Int16(0))
    guard version == 3 || version == 4 else {
      throw GraphStoreError(
        .invalidData, "the Arrow stream has metadata of version V\(Int(version) + 1); V4 and V5 can be read",
        hint: "Write it with Arrow 0.8 or later")
    }
    guard let header = try root.table(2) else { throw .malformedArrow("a message without a header") }
    let body = try slice(bytes, at: &position, byteCount: Int(root.scalar(3, absent: Int64(0))))
    return Message(kind: try root.scalar(1, absent: UInt8(0)), header: header, body: body)
  }

  private static func word(in bytes: UnsafeRawBufferPointer, at position: inout Int) throws(GraphStoreError) -> UInt32 {
    let part = try slice(bytes, at: &position, byteCount: 4)
    return UInt32(littleEndian: part.loadUnaligned(as: UInt32.self))
  }

  private static func slice(
    _ bytes: UnsafeRawBufferPointer, at position: inout Int, byteCount: Int
  ) throws(GraphStoreError) -> UnsafeRawBufferPointer {
    guard byteCount >= 0, byteCount <= bytes.count - position else {
      throw .malformedArrow("it ends within a message")
    }
    defer { position += byteCount }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + byteCount])
  }

  // MARK: Record batches

  private mutating func append(_ batch: FlatbufferTable, body: UnsafeRawBufferPointer) throws(GraphStoreError) {
    guard try !batch.has(3) else {
      throw GraphStoreError(
        .invalidArgument, "the Arrow stream is compressed, which cannot be read",
        hint: "Write it without the compression option")
    }
    let length = try batch.scalar(0, absent: Int64(0))
    // Only columns without any buffer take less than a bit per row: they must not create tables out of nothing.
    guard length >= 0, length <= bytes.count * 8 - rowCount else {
      throw .malformedArrow("a batch of \(length) rows in a stream of \(bytes.count) bytes")
    }
    let nodes = try batch.pairs(1)
    let buffers = try batch.pairs(2)
    guard nodes.count == fields.count, buffers.count == fields.reduce(0, { $0 + $1.type.bufferCount }) else {
      throw .malformedArrow("a record batch does not have the columns of the schema")
    }
    var parts: [Part] = []
    parts.reserveCapacity(fields.count)
    var next = 0
    for (field, node) in zip(fields, nodes) {
      guard node.0 == length else { throw .malformedArrow("column '\(field.name)' is not as long as its batch") }
      let own = buffers[next..<next + field.type.bufferCount]
      next += field.type.bufferCount
      parts.append(try Self.part(field, rowCount: Int(length), nullCount: node.1, buffers: Array(own), body: body))
    }
    batches.append(parts)
    rowCount += Int(length)
  }

  private static func part(
    _ field: ArrowField, rowCount: Int, nullCount: Int64, buffers: [(Int64, Int64)], body: UnsafeRawBufferPointer
  ) throws(GraphStoreError) -> Part {
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    func buffer(_ index: Int) throws(GraphStoreError) -> UnsafeRawBufferPointer {
      guard index < buffers.count else { return empty }
      let (offset, length) = buffers[index]
      guard offset >= 0, length >= 0, offset <= body.count, length <= body.count - Int(offset) else {
        throw .malformedArrow("a buffer of column '\(field.name)' lies outside its batch")
      }
      return UnsafeRawBufferPointer(rebasing: body[Int(offset)..<Int(offset) + Int(length)])
    }
    func require(_ buffer: UnsafeRawBufferPointer, _ byteCount: Int) throws(GraphStoreError) {
      guard buffer.count >= byteCount else {
        throw .malformedArrow("a buffer of column '\(field.name)' is shorter than its \(rowCount) rows need")
      }
    }
    let validity = try buffer(0)
    let values = try buffer(1)
    let hasNulls = nullCount != 0 && !validity.isEmpty && rowCount > 0
    if hasNulls { try require(validity, (rowCount + 7) / 8) }
    switch field.type {
    case .null: break
    case .boolean: try require(values, (rowCount + 7) / 8)
    case .string, .largeString:
      // Writers may omit the single offset of an empty column.
      if rowCount > 0 { try require(values, (rowCount + 1) * field.type.valueBytes) }
    default: try require(values, rowCount * field.type.valueBytes)
    }
    return Part(
      rowCount: rowCount, validity: hasNulls ? validity : nil, values: values, characters: try buffer(2))
  }
}
