import Access
import Coordinator
import GRPC
import Synchronization
import Wire

extension CoordinatorService {
  /// Adds the method that follows a session's log.
  func addLogMethods(to service: inout GRPCService) {
    service.serverStreaming("FetchLogs") { (request: FetchLogsRequest, writer, context) in
      let session = try await answering { try coordinator.session(request.sessionID, for: Caller(context)) }
      try logReaders.enter(session.id)
      defer { logReaders.leave(session.id) }
      for await line in session.log.lines() {
        let isError = line.level == .error
        try await writer.write(FetchLogsResponse(info: isError ? "" : line.text, error: isError ? line.text : ""))
      }
    }
  }
}

/// Counts and limits the readers of each session's log. All readers of a session end together with it, and must not delay other
/// clients.
final class LogReaders: Sendable {
  /// The maximum number of readers of a session at a time. A client has one, and briefly more while it reconnects.
  static let limit = 32

  private let counts = Mutex<[String: Int]>([:])

  /// Adds a reader.
  /// - Throws: `GRPCStatus` RESOURCE_EXHAUSTED when the session has the maximum number of readers.
  func enter(_ session: String) throws(GRPCStatus) {
    let isAdmitted = counts.withLock { counts in
      guard counts[session, default: 0] < Self.limit else { return false }
      counts[session, default: 0] += 1
      return true
    }
    guard isAdmitted else {
      throw GRPCStatus(
        .resourceExhausted,
        "the log of \(session) already has \(Self.limit) readers, the limit. End one, or use `gscoordinator logs`",
        reason: "LIMIT_REACHED", retryAfter: .seconds(10))
    }
  }

  /// Removes a reader.
  func leave(_ session: String) {
    counts.withLock { counts in
      guard let count = counts[session] else { return }
      counts[session] = count > 1 ? count - 1 : nil
    }
  }

  /// The number of sessions with readers.
  var sessions: Int { counts.withLock { $0.count } }
}
