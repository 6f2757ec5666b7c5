import CGraphScopeProto

// Copies values from generated structs.

/// Returns the text of a field.
func text(_ string: UnsafeMutablePointer<CChar>?, _ field: StaticString) throws(WireError) -> String {
  guard let string else { return "" }
  guard let text = String(validatingCString: string) else {
    throw WireError(
      .invalidText, "A string is not UTF-8.", evidence: "\(field)", hint: "Encode names and paths as UTF-8")
  }
  return text
}

/// Returns the texts of a repeated field.
func texts(
  _ count: Int, _ strings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ field: StaticString
) throws(WireError) -> [String] {
  try list(count, strings) { string throws(WireError) in try text(string, field) }
}

/// Returns the bytes of a field.
func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
  [UInt8](UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
}

/// Returns the messages of a repeated field.
func messages<M: Bridged>(
  _ count: Int, _ items: UnsafeMutablePointer<UnsafeMutablePointer<M.C>?>?
) throws(WireError) -> [M] {
  try list(count, items) { item throws(WireError) -> M in
    guard let item else { throw WireError(.missing, "A list of messages lacks an element.", evidence: "\(M.self)") }
    return try M(reading: item)
  }
}

/// Returns the transformed elements of a repeated field.
func list<S, T>(
  _ count: Int, _ items: UnsafeMutablePointer<S>?, _ transform: (S) throws(WireError) -> T
) throws(WireError) -> [T] {
  guard let items else { return [] }
  var result: [T] = []
  result.reserveCapacity(count)
  for index in 0..<count { result.append(try transform(items[index])) }
  return result
}

/// Returns the case of an enum field. A number without a case is an error.
func enumeration<E: RawRepresentable>(
  _ raw: UInt32, _ field: StaticString, as _: E.Type = E.self
) throws(WireError) -> E where E.RawValue == Int32 {
  guard let value = E(rawValue: Int32(bitPattern: raw)) else {
    throw WireError(
      .unknownValue, "\(field) is \(Int32(bitPattern: raw)), which is not a known value.",
      hint: "The peer may use another version of the protocol; this server supports 0.29")
  }
  return value
}

/// Returns the number of an enum case as its C type.
func number<E: RawRepresentable>(_ value: E) -> UInt32 where E.RawValue == Int32 { UInt32(bitPattern: value.rawValue) }
