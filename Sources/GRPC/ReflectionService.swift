import NIOCore
import ProtobufFields

/// Server reflection, `grpc.reflection.v1.ServerReflection` and the equivalent `v1alpha`: describes the services and their
/// messages to clients such as grpcurl.
public struct ReflectionService: Sendable {
  private static let versions = ["v1", "v1alpha"]
  /// Maximum size of a request, in bytes: it contains only a name.
  static let maxRequestBytes = 4096

  private let descriptors: FileDescriptors
  private let services: [String]

  /// Creates the service.
  ///
  /// - Parameters:
  ///   - descriptors: the files that declare the services, and their imports.
  ///   - services: the full names of the server's other services.
  public init(descriptors: FileDescriptors, services: [String]) {
    self.descriptors = descriptors
    self.services = (services + Self.versions.map(Self.name)).sorted()
  }

  private static func name(_ version: String) -> String { "grpc.reflection.\(version).ServerReflection" }

  /// Returns both versions of the service, to be passed to a server. Their messages are identical.
  public func methods() -> [GRPCService] {
    Self.versions.map { version in
      var service = GRPCService(name: Self.name(version))
      service.maxRequestBytes = Self.maxRequestBytes
      service.bidirectional("ServerReflectionInfo", decode: .bytes, encode: .bytes) { requests, writer, _ in
        for try await request in requests { try await writer.write(try answer(request)) }
      }
      return service
    }
  }

  /// The content of a request: the alternative that was set last.
  enum Question: Equatable {
    case file(named: String)
    case declaration(of: String)
    case extensions(of: String)
    case services
  }

  private func answer(_ request: ByteBuffer) throws -> ByteBuffer {
    let bytes = Array(request.readableBytesView)
    let (host, question) = try Self.parse(bytes)
    var answer = ProtobufWriter()
    answer.text(1, host)
    answer.element(2, bytes)
    switch question {
    case .services:
      answer.message(6) { list in
        for name in services { list.message(1) { $0.text(1, name) } }
      }
    case .file(let name):
      add(descriptors.files(from: name), to: &answer, orElse: "There is no file '\(name)'")
    case .declaration(let symbol):
      add(
        descriptors.file(declaring: symbol).flatMap { descriptors.files(from: $0) }, to: &answer,
        orElse: "Nothing is declared as '\(symbol)'")
    case .extensions(let type):
      let text =
        descriptors.file(declaring: type) == nil
        ? "Nothing is declared as '\(type)'" : "'\(type)' has no extensions: it is a message of proto3"
      add(nil, to: &answer, orElse: text)
    }
    return ByteBuffer(bytes: answer.bytes)
  }

  private func add(_ files: [FileDescriptors.File]?, to answer: inout ProtobufWriter, orElse error: String) {
    if let files {
      answer.message(4) { response in
        for file in files { response.element(1, file.bytes) }
      }
    } else {
      answer.message(7) { response in
        response.integer(1, Int64(GRPCStatus.Code.notFound.rawValue))
        response.text(2, error)
      }
    }
  }

  /// Decodes a `ServerReflectionRequest`.
  ///
  /// - Throws: `ProtobufError` if the bytes are malformed or no alternative is set.
  static func parse(_ bytes: [UInt8]) throws(ProtobufError) -> (host: String, Question) {
    var reader = ProtobufReader(bytes)
    var host = ""
    var question: Question?
    while let field = try reader.next() {
      switch field.number {
      case 1: host = try text(field.value)
      case 3: question = .file(named: try text(field.value))
      case 4: question = .declaration(of: try text(field.value))
      case 5: question = .extensions(of: try extendedType(field.value))
      case 6: question = .extensions(of: try text(field.value))
      case 7: question = .services
      default: break
      }
    }
    guard let question else { throw ProtobufError(reason: "the request asks no question that this server knows") }
    return (host, question)
  }

  private static func text(_ value: ProtobufReader.Value) throws(ProtobufError) -> String {
    guard let text = value.text else { throw ProtobufError(reason: "a name is not valid UTF-8") }
    return text
  }

  /// Returns the type named by an `ExtensionRequest`.
  private static func extendedType(_ value: ProtobufReader.Value) throws(ProtobufError) -> String {
    var reader = ProtobufReader(value.bytes ?? [])
    var type = ""
    while let field = try reader.next() { if field.number == 1 { type = try text(field.value) } }
    return type
  }
}
