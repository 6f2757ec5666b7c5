/// A table in the binary format of FlatBuffers, read in place ("FlatBuffer Internals", flatbuffers.dev).
///
/// A table begins with the distance back to its vtable. For every field, the vtable holds the field's distance from the beginning
/// of the table, or 0 if the field is absent. Nothing is trusted: every access is checked against the buffer's bounds.
struct FlatbufferTable {
  private let buffer: UnsafeRawBufferPointer
  private let position: Int
  private let vtable: Int
  private let vtableBytes: Int

  /// Reads the root table of a buffer.
  init(rootOf buffer: UnsafeRawBufferPointer) throws(GraphStoreError) {
    try self.init(buffer, at: Int(Self.load(buffer, 0, as: UInt32.self)))
  }

  private init(_ buffer: UnsafeRawBufferPointer, at position: Int) throws(GraphStoreError) {
    self.buffer = buffer
    self.position = position
    vtable = try position - Int(Self.load(buffer, position, as: Int32.self))
    vtableBytes = try Int(Self.load(buffer, vtable, as: UInt16.self))
  }

  /// Returns a number, or `absent` if the field is absent.
  func scalar<T: FixedWidthInteger & BitwiseCopyable>(_ field: Int, absent: T) throws(GraphStoreError) -> T {
    guard let place = try place(of: field) else { return absent }
    return try Self.load(buffer, place, as: T.self)
  }

  /// Returns whether a field is present.
  func has(_ field: Int) throws(GraphStoreError) -> Bool { try place(of: field) != nil }

  /// Returns the table that a field refers to; nil if the field is absent.
  func table(_ field: Int) throws(GraphStoreError) -> FlatbufferTable? {
    guard let place = try target(of: field) else { return nil }
    return try FlatbufferTable(buffer, at: place)
  }

  /// Returns the number of entries in a vector of tables.
  func count(_ field: Int) throws(GraphStoreError) -> Int { try vector(field, elementBytes: 4)?.count ?? 0 }

  /// Returns the tables of a vector.
  func tables(_ field: Int, limit: Int) throws(GraphStoreError) -> [FlatbufferTable] {
    guard let (start, count) = try vector(field, elementBytes: 4) else { return [] }
    guard count <= limit else {
      throw .malformedArrow("a list of \(count) entries, where at most \(limit) are allowed")
    }
    var tables: [FlatbufferTable] = []
    for index in 0..<count {
      let place = start + index * 4
      tables.append(try FlatbufferTable(buffer, at: place + Int(Self.load(buffer, place, as: UInt32.self))))
    }
    return tables
  }

  /// Returns the elements of a vector of structs of two 64-bit numbers each.
  func pairs(_ field: Int) throws(GraphStoreError) -> [(Int64, Int64)] {
    guard let (start, count) = try vector(field, elementBytes: 16) else { return [] }
    var pairs: [(Int64, Int64)] = []
    pairs.reserveCapacity(count)
    for index in 0..<count {
      pairs.append(
        (
          try Self.load(buffer, start + index * 16, as: Int64.self),
          try Self.load(buffer, start + index * 16 + 8, as: Int64.self)
        ))
    }
    return pairs
  }

  /// Returns a text; nil if the field is absent.
  func string(_ field: Int) throws(GraphStoreError) -> String? {
    guard let (start, count) = try vector(field, elementBytes: 1) else { return nil }
    guard let text = String(validating: buffer[start..<start + count], as: UTF8.self) else {
      throw .malformedArrow("a name is not valid UTF-8")
    }
    return text
  }

  /// Returns the position of a vector's first element, and the number of elements, all of which lie within the buffer.
  private func vector(_ field: Int, elementBytes: Int) throws(GraphStoreError) -> (start: Int, count: Int)? {
    guard let place = try target(of: field) else { return nil }
    let count = try Int(Self.load(buffer, place, as: UInt32.self))
    guard count <= (buffer.count - place - 4) / elementBytes else {
      throw .malformedArrow("a list reaches beyond its message")
    }
    return (place + 4, count)
  }

  private func target(of field: Int) throws(GraphStoreError) -> Int? {
    guard let place = try place(of: field) else { return nil }
    return try place + Int(Self.load(buffer, place, as: UInt32.self))
  }

  private func place(of field: Int) throws(GraphStoreError) -> Int? {
    let entry = 4 + 2 * field
    guard entry + 2 <= vtableBytes else { return nil }
    let distance = try Int(Self.load(buffer, vtable + entry, as: UInt16.self))
    return distance == 0 ? nil : position + distance
  }

  private static func load<T: FixedWidthInteger & BitwiseCopyable>(
    _ buffer: UnsafeRawBufferPointer, _ place: Int, as type: T.Type
  ) throws(GraphStoreError) -> T {
    guard place >= 0, place <= buffer.count - MemoryLayout<T>.size else {
      throw .malformedArrow("a reference points outside its message")
    }
    return T(littleEndian: buffer.loadUnaligned(fromByteOffset: place, as: T.self))
  }
}

extension GraphStoreError {
  /// Returns the error for a stream that violates the format.
  static func malformedArrow(_ evidence: String) -> GraphStoreError {
    GraphStoreError(
      .invalidData, "the Arrow stream is malformed", evidence: evidence,
      hint: "Send the data frame again; if it fails again, the stream was damaged in transit or by its writer")
  }
}
