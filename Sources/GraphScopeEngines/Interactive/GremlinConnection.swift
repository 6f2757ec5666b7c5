import Engines
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Wire

/// Has a Gremlin server on a port of 127.0.0.1 answer queries, each over a WebSocket of its own, which ends with the task.
struct GremlinConnection: Sendable {
  let port: UInt16

  /// Longest answer that is read, in bytes.
  private static let maximumAnswer = 1 << 20

  /// Gremlin's code for a query that cannot be understood.
  private static let refusal: Int64 = 597

  private typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

  /// Returns when a query was answered; what was found is not kept.
  /// - Throws: `EngineError` with the server's words when it refuses (`.queryFailure`) or fails, breaks off or takes longer
  ///   than `time`; `CancellationError`.
  func submit(_ query: String, options: [(key: String, value: JSONValue)] = [], within time: Duration) async throws {
    let request = GremlinMessage.request(query, options: options)
    let late = EngineError(
      .engineFailure, "the interactive engine did not answer within \(time.components.seconds) s",
      hint: "Ask for less, or give more time with the option evaluationTimeout (milliseconds)")
    try await within(time, orElse: late) { try await converse(request) }
  }

  private func converse(_ request: [UInt8]) async throws {
    let frames: Frames?
    do { frames = try await connect() } catch { throw Self.broken("\(error)") }
    guard let frames else { throw Self.broken("it speaks no WebSocket") }
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
              throw EngineError(.queryFailure, "the interactive engine refused the query (597): \(words)")
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

  /// Nil when the server is none of WebSockets.
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
