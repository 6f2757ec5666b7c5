import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Transport

/// A connection of HTTP/1.1, behind TLS where the listener has it.
struct AdminChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  let http: HTTP1Channel
  let tls: (@Sendable (any Channel) throws -> Void)?

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    guard let tls else { return http.setup(channel: channel, logger: logger) }
    return channel.eventLoop.makeCompletedFuture {
      try tls(channel)
      try channel.pipeline.syncOperations.addHandler(PeerCertificateHandler())
    }.flatMap { http.setup(channel: channel, logger: logger) }
  }

  func handle(value: Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
