import Access
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// An HTTP/1.1 server with access control in front of its routes. It runs on shared event loops, starts no threads, and handles
/// no signals.
public final class HTTPServer: Sendable {
  /// The names of a server's listeners, as used in the access file.
  public struct ListenerNames: Sendable {
    let tcp: String
    let socket: String

    /// Makes the names of the listeners on TCP addresses and on Unix sockets.
    public init(tcp: String, socket: String) {
      self.tcp = tcp
      self.socket = socket
    }
  }

  private let addresses: [HTTPAddress]
  private let names: ListenerNames
  private let limits: HTTPLimits
  private let tls: (@Sendable (any Channel) throws -> Void)?
  private let access: AccessControl?
  private let exposure: HTTPExposure
  private let hold: @Sendable () -> RequestError?
  private let group: any EventLoopGroup
  private let logger: Logger
  private let streams: LineStreams
  private let responder: RouterResponder<RouteContext>
  private let listeners = Mutex<[HTTPListener]>([])
  private let stopping = AsyncStream.makeStream(of: Void.self)

  /// Makes a server that does not listen yet.
  /// - Parameters:
  ///   - routes: all routes of the server; none can be added later.
  ///   - streams: the streams of its routes, which end when it stops.
  ///   - tls: adds TLS to a channel accepted on a TCP address; called on its event loop. nil for plain HTTP.
  ///   - access: the access control; nil to allow everything.
  ///   - hold: returns the error with which to answer every admitted request instead of handling it; nil to handle requests.
  public init(
    _ routes: Routes, streams: LineStreams, on addresses: [HTTPAddress], named names: ListenerNames,
    limits: HTTPLimits, tls: (@Sendable (any Channel) throws -> Void)?, access: AccessControl?, exposure: HTTPExposure,
    group: any EventLoopGroup, logger: Logger, hold: @escaping @Sendable () -> RequestError?
  ) {
    self.addresses = addresses
    self.names = names
    self.limits = limits
    self.tls = tls
    self.access = access
    self.exposure = exposure
    self.hold = hold
    self.group = group
    // The library's own log lines about listening and connections are not useful to operators.
    var logger = logger
    logger.logLevel = max(logger.logLevel, .warning)
    self.logger = logger
    self.streams = streams
    responder = routes.router.buildResponder()
  }

  /// Listens on all addresses, or fails without listening on any. Requests wait until `run`, which must be called next.
  /// - Returns: the addresses with the actual ports.
  /// - Throws: `RequestError` that names the address.
  public func listen() async throws(RequestError) -> [HTTPAddress] {
    do {
      for address in addresses {
        let connections = ConnectionTable(limits, group.any(), logger)
        let listener = try await HTTPListener(address, limits, connections, group, logger, tls, exposure) {
          [self] in
          try await answer($0, $1, $2, address, connections)
        }
        listeners.withLock { $0.append(listener) }
      }
    } catch {
      stop()
      await run()
      throw error
    }
    return listeners.withLock { $0.map(\.address) }
  }

  /// Answers requests until `stop` or the cancellation of the task. Then ends all streams, lets other answers finish within
  /// `HTTPLimits.shutdownGrace`, and closes all connections.
  public func run() async {
    let listeners = listeners.withLock { $0 }
    await withTaskGroup { group in
      group.addTask {
        await withDiscardingTaskGroup { group in
          for listener in listeners { group.addTask { await listener.run() } }
        }
      }
      for await _ in stopping.stream {}
      streams.stop()
      for listener in listeners { listener.stop() }
      group.addTask { [limits] in try? await Task.sleep(for: limits.shutdownGrace) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Makes `run` end; does not wait for it.
  public func stop() { stopping.continuation.finish() }

  private func answer(
    _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel, _ address: HTTPAddress,
    _ connections: ConnectionTable
  ) async throws {
    var response = await response(to: request, channel, address, connections)
    // An answer to HEAD has no body (RFC 9110, 9.3.2).
    if request.method == .head { response = response.createHeadResponse() }
    // The rest of a rejected body is not read. When few connections are left, clients must not keep theirs.
    if (RequestGuard.hasBody(request) && response.status.kind != .successful)
      || connections.current * 2 > limits.connections
    {
      response.headers[.connection] = "close"
    }
    // Streams have their own deadlines.
    let isStream = response.body.contentLength == nil
    let deadline =
      isStream ? nil : channel.eventLoop.scheduleTask(in: limits.idleTimeout) { channel.close(promise: nil) }
    defer { deadline?.cancel() }
    try await writer.write(response: response.head, body: response.body)
  }

  private func response(
    to request: Request, _ channel: any Channel, _ address: HTTPAddress, _ connections: ConnectionTable
  ) async -> Response {
    let isTCP = address.isTCP
    let peer = (try? await channel.peerName().get()) ?? "unknown"
    let admission = Admission(
      limits: limits, isTCP: isTCP, hasTLS: isTCP && tls != nil, control: access,
      listener: isTCP ? names.tcp : names.socket, channel: channel, peer: peer, connections: connections, hold: hold)
    let context = RouteContext(source: .init(logger: logger, channel: channel, admission: admission))
    do {
      return try await abandoned { [responder] in try await responder.respond(to: request, context: context) }
    } catch {
      return RequestError(error).response
    }
  }

  /// Returns the value of `body`, which does not delay the cancellation of the caller's task.
  /// - Throws: The error of `body`; `CancellationError` as soon as the task is cancelled.
  private func abandoned<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let (values, source) = AsyncThrowingStream<Value, any Error>.makeStream()
    // Not a child task, which would have to be waited for: a handler that ignores its cancellation must not keep the server from
    // stopping.
    let task = Task {
      do {
        source.yield(try await body())
        source.finish()
      } catch {
        source.finish(throwing: error)
      }
    }
    defer { task.cancel() }
    for try await value in values { return value }
    throw CancellationError()
  }
}
