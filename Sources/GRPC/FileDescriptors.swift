import ProtobufFields

/// The descriptors of `.proto` files, indexed by file name and by the full names of their declarations.
public struct FileDescriptors: Sendable {
  /// One file: its `google.protobuf.FileDescriptorProto` as bytes, and the files that it imports.
  struct File: Sendable {
    let name: String
    let bytes: ArraySlice<UInt8>
    let imports: [String]
  }

  private var files: [String: File] = [:]
  /// Maps the full name of each message, field, enumeration, enumeration value, service and method to the file that declares it.
  private var declarations: [String: String] = [:]

  /// Decodes a `google.protobuf.FileDescriptorSet`, as written by `protoc --include_imports --descriptor_set_out`.
  ///
  /// - Throws: `ProtobufError` if the bytes are not a file descriptor set.
  public init(fileDescriptorSet bytes: [UInt8]) throws(ProtobufError) {
    for file in try Self.elements(1, of: bytes[...]) {
      let name = try Self.text(1, of: file)
      files[name] = File(name: name, bytes: file, imports: try Self.elements(3, of: file).map { Self.text($0) })
      let package = try Self.text(2, of: file)
      for message in try Self.elements(4, of: file) { try declare(message: message, in: package, file: name) }
      for enumeration in try Self.elements(5, of: file) { try declare(enumeration, in: package, file: name) }
      for service in try Self.elements(6, of: file) {
        let service = (name: Self.join(package, try Self.text(1, of: service)), bytes: service)
        declarations[service.name] = name
        // Field 2: methods.
        try declare(2, of: service.bytes, in: service.name, file: name)
      }
    }
  }

  /// Returns a file and its direct and indirect imports, the file first; nil if there is no such file.
  func files(from name: String) -> [File]? {
    guard let first = files[name] else { return nil }
    var found = [first]
    var names: Set = [name]
    var index = 0
    while index < found.count {
      for name in found[index].imports where names.insert(name).inserted {
        if let file = files[name] { found.append(file) }
      }
      index += 1
    }
    return found
  }

  /// Returns the name of the file that declares a symbol with this full name.
  func file(declaring symbol: String) -> String? { declarations[symbol] }

  // MARK: Declarations

  private mutating func declare(
    message: ArraySlice<UInt8>, in scope: String, file: String
  ) throws(ProtobufError) {
    let name = Self.join(scope, try Self.text(1, of: message))
    declarations[name] = file
    // Fields and oneofs.
    for number in [2, 8] { try declare(number, of: message, in: name, file: file) }
    for inner in try Self.elements(3, of: message) { try declare(message: inner, in: name, file: file) }
    for enumeration in try Self.elements(4, of: message) { try declare(enumeration, in: name, file: file) }
  }

  private mutating func declare(
    _ enumeration: ArraySlice<UInt8>, in scope: String, file: String
  ) throws(ProtobufError) {
    declarations[Self.join(scope, try Self.text(1, of: enumeration))] = file
    // Enumeration values belong to the scope that encloses their enumeration, as in C++.
    try declare(2, of: enumeration, in: scope, file: file)
  }

  /// Records the declarations in a repeated field; the name of each element is its field 1.
  private mutating func declare(
    _ number: Int, of message: ArraySlice<UInt8>, in scope: String, file: String
  ) throws(ProtobufError) {
    for element in try Self.elements(number, of: message) {
      declarations[Self.join(scope, try Self.text(1, of: element))] = file
    }
  }

  // MARK: Fields

  private static func elements(
    _ number: Int, of message: ArraySlice<UInt8>
  ) throws(ProtobufError) -> [ArraySlice<UInt8>] {
    var reader = ProtobufReader(message)
    var elements: [ArraySlice<UInt8>] = []
    while let field = try reader.next() {
      if field.number == number, let bytes = field.value.bytes { elements.append(bytes) }
    }
    return elements
  }

  private static func text(_ number: Int, of message: ArraySlice<UInt8>) throws(ProtobufError) -> String {
    text(try elements(number, of: message).last ?? [])
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private static func join(_ scope: String, _ name: String) -> String { scope.isEmpty ? name : "\(scope).\(name)" }
}
