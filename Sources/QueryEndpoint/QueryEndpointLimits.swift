import NIOCore

/// What one query endpoint accepts from its clients and holds for them.
public struct QueryEndpointLimits: Sendable {
  /// Maximum size of a request in bytes.
  public var maximumMessageBytes = 16 << 20
  /// Maximum size of a request in GraphSON, whose parsed form is many times larger, in bytes.
  public var maximumJSONBytes = 4 << 20
  /// Maximum number of elements of all lists and maps of a request.
  public var maximumElements = 1_000_000
  /// Maximum depth of nesting of lists, maps and traversals in a request, and of values in a result.
  public var maximumNesting = 128
  /// Maximum number of open connections; further ones are closed as soon as they are accepted.
  public var maximumConnections = 1_000
  /// Number of requests of one connection that may wait or run; no more bytes are read from it meanwhile.
  public var maximumRequests = 64
  /// Number of requests of one Gremlin connection that run at a time.
  public var maximumRunning = 16
  /// Maximum number of open results in one transaction.
  public var maximumOpenResults = 1_000
  /// Maximum time from the first byte to a successful authentication.
  public var timeToAuthenticate: TimeAmount = .seconds(30)
  /// Maximum time in which a connection neither sends nor receives a byte and no query runs for it; then it is closed.
  public var idle: TimeAmount = .hours(1)
  /// Maximum number of rows that are taken from a cursor at a time.
  public var batchRows = 256
  /// Maximum number of results in one response of the Gremlin server to a request without `batchSize`.
  public var responseResults = 1_000
  /// Size of the results in one response of the Gremlin server, in bytes, beyond which the next ones go into another.
  public var maximumFrameBytes = 4 << 20
  /// Maximum size of a single result of the Gremlin server, in bytes; drivers accept messages of 10 MiB.
  public var maximumValueBytes = 10_000_000
  /// Number of bytes waiting for a socket above which no more rows are taken from its cursors.
  public var writeHighWatermark = 256 * 1024
  /// Number of such bytes at which rows are taken again.
  public var writeLowWatermark = 64 * 1024

  /// Creates the default limits.
  public init() {}
}
