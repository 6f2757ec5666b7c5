import ArgumentParser
import GRPC
import HTTP2
import NIOCore
import NIOPosix
import Transport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@main
struct Interop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grpc-interop", abstract: "Servers and client drivers for interoperability tests.",
    subcommands: [Serve.self, Drive.self, TestCases.self])
}

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves test.Echo and grpc.testing.TestService until standard input ends.")
  @Option(help: "Path of an additional Unix socket to listen on.") var unix: String?
  @Option(help: "Longest message in bytes.") var maxMessage = Int(Int32.max)
  @Option(help: "Bytes of large messages received at once.") var budget = 4 * 1024 * 1024 * 1024
  @Option(help: "Longest header list in bytes.") var maxHeaders = 64 * 1024

  func run() async throws {
    var limits = ServerLimits()
    limits.maxMessageBytes = maxMessage
    limits.messageBudgetBytes = budget
    limits.http2.maxHeaderListBytes = maxHeaders
    limits.http2.maxConcurrentStreams = 100_000
    let server = GRPCServer(services: [EchoService.make(), TestService.make()], limits: limits)
    let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
    if let unix { try await server.listen(on: .unix(path: unix)) }
    print(address)
    fflush(nil)
    try await NIOThreadPool.singleton.runIfActive { while readLine() != nil {} }
    await server.shutdown(grace: .seconds(5))
  }
}
