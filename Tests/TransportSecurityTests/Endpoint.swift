import GRPC
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import Transport
import TransportSecurity

/// Collects log lines and lets tests wait for them.
final class LogTrap: Sendable {
  private let lines: AsyncStream<String>
  private let source: AsyncStream<String>.Continuation

  init() { (lines, source) = AsyncStream.makeStream() }

  var logger: Logger { Logger(label: "tls") { _ in Handler(source: self.source) } }

  /// Waits for the next line that contains a text.
  func line(with text: String) async -> String? {
    for await line in lines where line.contains(text) { return line }
    return nil
  }

  private struct Handler: LogHandler {
    let source: AsyncStream<String>.Continuation
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      source.yield("\(event.level) \(event.message) [\(fields.joined(separator: " "))]")
    }
  }
}

/// A gRPC server with TLS that records callers and echoes messages.
struct Endpoint {
  let server: GRPCServer
  let tls: ServerTLS
  let address: TransportAddress
  let log: LogTrap

  /// The callers and the listeners that accepted them, in the order of calls.
  let callers: Callers

  final class Callers: Sendable {
    private let list = Mutex<[PeerCertificate?]>([])
    var all: [PeerCertificate?] { list.withLock { $0 } }
    func add(_ certificate: PeerCertificate?) { list.withLock { $0.append(certificate) } }
  }

  static func run(_ configuration: ServerTLSConfiguration, _ body: (Endpoint) async throws -> Void) async throws {
    let (log, callers) = (LogTrap(), Callers())
    let tls = try ServerTLS(configuration, logger: log.logger)
    var service = GRPCService(name: "t.S")
    service.unary("Echo", decode: .bytes, encode: .bytes) { request, context in
      callers.add(context.certificate)
      return request
    }
    service.bidirectional("Chat", decode: .bytes, encode: .bytes) { requests, responses, _ in
      for try await request in requests { try await responses.write(request) }
    }
    let server = GRPCServer(services: [service])
    let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0), tls: tls.securing(.http2))
    do {
      try await body(Endpoint(server: server, tls: tls, address: address, log: log, callers: callers))
    } catch {
      Issue.record(error)
    }
    await server.shutdown(grace: .zero)
  }

  /// Runs a closure with a connected client, which is closed afterwards.
  func connect<Result>(
    _ tls: ClientTLS, as name: String = "127.0.0.1", _ body: (GRPCClient) async throws -> Result
  ) async throws -> Result {
    try await connect({ try tls.secure($0, to: name) }, body)
  }

  func connect<Result>(
    _ tls: @escaping @Sendable (any Channel) throws -> Void, _ body: (GRPCClient) async throws -> Result
  ) async throws -> Result {
    let client = GRPCClient(to: address, tls: tls)
    do {
      let result = try await body(client)
      await client.close()
      return result
    } catch {
      await client.close()
      throw error
    }
  }

  /// Echoes one message over a new connection.
  @discardableResult
  func echo(_ tls: ClientTLS, as name: String = "127.0.0.1", _ text: String = "hello") async throws -> String {
    try await connect(tls, as: name) { try await $0.echo(text) }
  }

  /// Returns the status of a call that is expected to fail.
  func refusal(_ tls: ClientTLS, as name: String = "127.0.0.1") async throws -> GRPCStatus? {
    do {
      try await echo(tls, as: name)
      return nil
    } catch let status as GRPCStatus {
      return status
    }
  }

  /// Sends bytes over plain TCP, and returns when the server has closed the connection.
  func sendRaw(_ bytes: [UInt8]) async throws {
    guard case .tcp(let host, let port) = address else { return }
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
      host: host, port: port
    )
    .get()
    if !bytes.isEmpty { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    try await channel.closeFuture.get()
  }
}

extension GRPCClient {
  func echo(_ text: String) async throws -> String {
    let reply = try await echo(ByteBuffer(string: text))
    return String(buffer: reply)
  }

  func echo(_ bytes: ByteBuffer) async throws -> ByteBuffer {
    try await unary("/t.S/Echo", bytes, encode: .bytes, decode: .bytes)
  }
}

extension Endpoint {
  /// Returns the status of a call by a client with an expired certificate, which this package's client would not load.
  func refusal(expired authority: Authority) async throws -> GRPCStatus? {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(authority.certificate)
    configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(authority.path("late.pem")).map {
      .certificate($0)
    }
    configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: authority.path("late.key"), format: .pem))
    configuration.applicationProtocols = ["h2"]
    let context = try NIOSSLContext(configuration: configuration)
    do {
      _ = try await connect {
        try $0.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
      } _: {
        try await $0.echo("")
      }
      return nil
    } catch let status as GRPCStatus {
      return status
    }
  }
}
