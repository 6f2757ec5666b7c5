import Engines
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Wire

/// Sends queries to a Gremlin server on a port of 127.0.0.1. Each query uses a WebSocket of its own, which is closed when the
/// task ends.
struct GremlinConnection: Sendable {
  let port: UInt16

  /// The maximum size of an answer in bytes.
  private static let maximumAnswer = 1 << 20

  /// Gremlin's status code for a query that cannot be evaluated.
  private static let refusal: Int64 = 597

  private typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

  /// Submits a query and returns when it was answered. The results are discarded.
  /// - Throws: `EngineError` with the server's message, of code `queryFailure` when it rejects the query, of another code when it
  ///   fails, disconnects, or takes longer than `time`; `CancellationError`.
  func submit(_ query: String, options: [(key: String, value: JSONValue)] = [], within time: Duration) async throws {
    let request = GremlinMessage.request(query, options: options)
    let late = EngineError(
      .engineFailure, "the interactive engine did not answer within \(time.components.seconds) s",
      hint: "Request less, or allow more time with the option evaluationTimeout (milliseconds)")
    try await within(time, orElse: late) { try await converse(request) }
  }

  private func converse(_ request: [UInt8]) async throws {
    let frames: Frames?
    do { frames = try await connect() } catch { throw Self.broken("\(error)") }
    guard let frames else { throw Self.broken("it does not support WebSockets") }
    do {
      try await frames.executeThenClose { inbound, outbound in
        try await outbound.write(Self.frame(.binary, ByteBuffer(bytes: request)))
        for try await frame in inbound {
          switch frame.opcode {
          case .ping: try await outbound.write(Self.frame(.pong, frame.unmaskedData))
          case .text, .binary:
            switch GremlinMessage.answer(Array(frame.unmaskedData.readableBytesView)) {
            case .partial: break
            case .complete: return
            case .failure(Self.refusal, let words):
              throw EngineError(.queryFailure, "the interactive engine rejected the query (597): \(words)")
            case .failure(let code, let words):
              throw EngineError(.engineFailure, "the interactive engine failed (\(code)): \(words)")
            case nil: throw Self.broken("its answer cannot be read")
            }
          case .connectionClose: throw Self.broken("it closed the connection")
          default: break
          }
        }
        try Task.checkCancellation()
        throw Self.broken("the connection ended")
      }
    } catch let error as IOError {
      throw Self.broken("\(error)")
    }
  }

  private static func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
  }

  private static func broken(_ why: String) -> EngineError {
    EngineError(
      .engineFailure, "the interactive engine does not answer: \(why)",
      hint: "Close the interactive instance and open it again")
  }

  /// Connects; returns nil if the server does not support WebSockets.
  private func connect() async throws -> Frames? {
    let upgrade: EventLoopFuture<Frames?> = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.seconds(5))
      .connect(host: "127.0.0.1", port: Int(port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          let upgrader = NIOTypedWebSocketClientUpgrader<Frames?>(
            maxFrameSize: Self.maximumAnswer,
            upgradePipelineHandler: { channel, _ in
              channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                  NIOWebSocketFrameAggregator(
                    minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                    maxAccumulatedFrameSize: Self.maximumAnswer))
                return try Frames(wrappingChannelSynchronously: channel)
              }
            })
          let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: "/gremlin", headers: ["Host": "127.0.0.1:\(port)"])
          let configuration = NIOTypedHTTPClientUpgradeConfiguration(
            upgradeRequestHead: head, upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
              channel.close().map { nil }
            })
          return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
            configuration: .init(upgradeConfiguration: configuration))
        }
      }
    return try await upgrade.get()
  }
}
