import CGraphScopeProto

// Copying values out of generated structs.

/// The text of a field.
func text(_ string: UnsafeMutablePointer<CChar>?, _ field: StaticString) throws(WireError) -> String {
  guard let string else { return "" }
  guard let text = String(validatingCString: string) else {
    throw WireError(.invalidText, "A text is not UTF-8.", evidence: "\(field)", hint: "Encode names and paths as UTF-8")
  }
  return text
}

/// The texts of a repeated field.
func texts(
  _ count: Int, _ strings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ field: StaticString
) throws(WireError) -> [String] {
  try list(count, strings) { string throws(WireError) in try text(string, field) }
}

/// The bytes of a field.
func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
  [UInt8](UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
}

/// The messages of a repeated field.
func messages<M: Bridged>(
  _ count: Int, _ items: UnsafeMutablePointer<UnsafeMutablePointer<M.C>?>?
) throws(WireError) -> [M] {
  try list(count, items) { item throws(WireError) -> M in
    guard let item else { throw WireError(.missing, "A list of messages has a hole.", evidence: "\(M.self)") }
    return try M(reading: item)
  }
}

/// A repeated field, element by element.
func list<S, T>(
  _ count: Int, _ items: UnsafeMutablePointer<S>?, _ transform: (S) throws(WireError) -> T
) throws(WireError) -> [T] {
  guard let items else { return [] }
  var result: [T] = []
  result.reserveCapacity(count)
  for index in 0..<count { result.append(try transform(items[index])) }
  return result
}

/// The case of an enum field; a number without a case is an error.
func enumeration<E: RawRepresentable>(
  _ raw: UInt32, _ field: StaticString, as _: E.Type = E.self
) throws(WireError) -> E where E.RawValue == Int32 {
  guard let value = E(rawValue: Int32(bitPattern: raw)) else {
    throw WireError(
      .unknownValue, "\(field) is \(Int32(bitPattern: raw)), a number this server does not know.",
      hint: "The peer may speak a newer version of the protocol; this server speaks 0.29")
  }
  return value
}

/// The number of an enum case as C wants it.
func number<E: RawRepresentable>(_ value: E) -> UInt32 where E.RawValue == Int32 { UInt32(bitPattern: value.rawValue) }
