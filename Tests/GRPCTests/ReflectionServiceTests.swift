import NIOCore
import ProtobufFields
import Testing
import Wire

@testable import GRPC

@Suite("Server reflection")
struct ReflectionServiceTests {
  private let descriptors: FileDescriptors

  init() throws { descriptors = try FileDescriptors(fileDescriptorSet: ProtocolDescriptors.fileDescriptorSet) }

  @Test(
    "All declarations of a file are found by their full names",
    arguments: [
      ("gs.rpc.CoordinatorService", "coordinator_service.proto"),
      ("gs.rpc.CoordinatorService.RunStep", "coordinator_service.proto"),
      ("gs.rpc.RunStepRequest", "message.proto"), ("gs.rpc.RunStepRequest.head", "message.proto"),
      ("google.protobuf.Any", "google/protobuf/any.proto"),
      ("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"),
      ("grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"),
      ("grpc.reflection.v1alpha.ServerReflectionRequest.message_request", "grpc/reflection/v1alpha/reflection.proto"),
    ])
  func declarations(symbol: String, file: String) {
    #expect(descriptors.file(declaring: symbol) == file)
  }

  @Test("A file is returned with all its imports, without duplicates")
  func imports() throws {
    let files = try #require(descriptors.files(from: "coordinator_service.proto")).map(\.name)
    #expect(files.first == "coordinator_service.proto" && files.count == Set(files).count)
    #expect(files.contains("message.proto") && files.contains("google/protobuf/any.proto"))
    #expect(!files.contains("grpc/health/v1/health.proto"))
    #expect(descriptors.files(from: "unheard_of.proto") == nil && descriptors.file(declaring: "gs.rpc") == nil)
  }

  @Test("Requests are decoded, the last alternative counts, and those without any are rejected")
  func requests() throws {
    var writer = ProtobufWriter()
    writer.text(1, "host")
    writer.text(4, "a.B")
    writer.text(3, "a.proto")
    let (host, question) = try ReflectionService.parse(writer.bytes)
    #expect(host == "host" && question == .file(named: "a.proto"))
    for bytes: [UInt8] in [[], [0x0a, 1, 65], [0x1a, 1, 0xff], [0x1a, 9], [0x18, 1]] {
      #expect(throws: ProtobufError.self) { _ = try ReflectionService.parse(bytes) }
    }
  }

  @Test("A truncated descriptor set is rejected")
  func broken() {
    let bytes = ProtocolDescriptors.fileDescriptorSet
    #expect(throws: ProtobufError.self) { try FileDescriptors(fileDescriptorSet: Array(bytes.dropLast())) }
  }
}
