import Coordinator
import GRPC
import HTTP2
import NIOCore
import ServerConfiguration
import Transport

/// The limits of the gRPC endpoint. By default some are fractions of the memory that the process may use:
///
/// | what | fraction of the memory | minimum |
/// |---|---|---|
/// | incoming messages (`limits.in_flight_bytes`) | 1/4, at most 4 GiB | 64 MiB |
/// | unread messages, headers, calls (`limits.held_bytes`) | 1/16; briefly twice that | 16 MiB |
/// | waiting answers (`limits.queued_bytes`) | 1/8 | 64 MiB |
enum EndpointLimits {
  /// Returns the limits for `settings` and a number of bytes of memory.
  /// - Throws: `ConfigurationError` that names the setting.
  static func resolve(_ settings: Settings, memory: Int = Int(hostMemory())) throws -> ServerLimits {
    var limits = ServerLimits()
    limits.maxMessageBytes = try settings.integer(.messageBytes)
    limits.messageBudgetBytes = try settings.optionalInteger(.inFlightBytes) ?? min(4 << 30, max(64 << 20, memory / 4))
    limits.connection.received = Shares(
      total: try settings.optionalInteger(.heldBytes) ?? max(16 << 20, memory / 16))
    limits.connection.queued = Shares(
      total: try settings.optionalInteger(.queuedBytes) ?? max(64 << 20, memory / 8))
    limits.connection.streams.perPeer = try settings.integer(.peerStreams)
    limits.connection.setTimeouts(
      headerSeconds: try settings.integer(.headerSeconds), requestSeconds: try settings.integer(.requestSeconds),
      readerSeconds: try settings.integer(.readerSeconds))
    limits.connection.maxConnections = try settings.integer(.connections)
    limits.connection.maxAcceptedConnections = Descriptors.current.clientConnections
    limits.connection.maxConnectionsPerPeer =
      try settings.optionalInteger(.peerConnections)
      ?? max(1, min(limits.connection.maxConnections, limits.connection.maxAcceptedConnections) * 9 / 10)
    limits.http2.maxConcurrentStreams = try settings.integer(.streams)
    limits.connection.keepAliveInterval = try interval(settings, .keepAlive)
    limits.connection.maxAge = try interval(settings, .connectionAge)
    limits.connection.maxAgeGrace = .seconds(Int64(try settings.integer(.connectionAgeGrace)))
    return limits
  }

  /// Returns the value of a setting in seconds; nil for 0.
  private static func interval(_ settings: Settings, _ setting: Setting) throws -> TimeAmount? {
    let seconds = try settings.integer(setting)
    return seconds == 0 ? nil : .seconds(Int64(seconds))
  }
}
