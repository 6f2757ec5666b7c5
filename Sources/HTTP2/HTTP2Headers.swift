import CNghttp2

/// A header list to send: names and values in one contiguous byte array. Names must be lower case.
public struct HTTP2Headers: Sendable {
  private var bytes: [UInt8] = []
  private var fields: [(nameEnd: Int, valueEnd: Int)] = []

  /// Creates an empty list.
  public init() {}

  /// Appends a field with a text value.
  public mutating func add(_ name: String, _ value: String) {
    bytes.append(contentsOf: name.utf8)
    let nameEnd = bytes.count
    bytes.append(contentsOf: value.utf8)
    fields.append((nameEnd, bytes.count))
  }

  /// Appends a field with raw bytes as its value, which must be valid in a header (RFC 9110, section 5.5).
  public mutating func add(_ name: String, bytes value: some Sequence<UInt8>) {
    bytes.append(contentsOf: name.utf8)
    let nameEnd = bytes.count
    bytes.append(contentsOf: value)
    fields.append((nameEnd, bytes.count))
  }

  /// Passes the list in the form that nghttp2 reads. nghttp2 copies it before the call returns.
  func withFields<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
    bytes.withUnsafeBufferPointer { flat in
      // nghttp2's prototypes take mutable pointers but do not write through them.
      let base = UnsafeMutablePointer(mutating: flat.baseAddress)
      return withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count) { list in
        var start = 0
        for (index, field) in fields.enumerated() {
          list.initializeElement(
            at: index,
            to: nghttp2_nv(
              name: base.map { $0 + start }, value: base.map { $0 + field.nameEnd },
              namelen: field.nameEnd - start, valuelen: field.valueEnd - field.nameEnd,
              flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
          start = field.valueEnd
        }
        return body(list.baseAddress, fields.count)
      }
    }
  }
}

// @unchecked: the table and everything it refers to is immutable, made from string literals, and never freed.
/// A header list that is made once, from literals, and sent many times: nghttp2 neither copies nor measures it.
public struct HTTP2StaticHeaders: @unchecked Sendable {
  let fields: UnsafePointer<nghttp2_nv>
  let count: Int

  /// Creates the list. It is never freed, so keep it in a `static let`.
  public init(_ literals: [(name: StaticString, value: StaticString)]) {
    let table = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: literals.count)
    let flags = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
    for (index, literal) in literals.enumerated() {
      let field = nghttp2_nv(
        name: UnsafeMutablePointer(mutating: literal.name.utf8Start),
        value: UnsafeMutablePointer(mutating: literal.value.utf8Start),
        namelen: literal.name.utf8CodeUnitCount, valuelen: literal.value.utf8CodeUnitCount, flags: flags)
      (table + index).initialize(to: field)
    }
    fields = UnsafePointer(table)
    count = literals.count
  }
}
