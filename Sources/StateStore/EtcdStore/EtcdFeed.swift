import Foundation
import HTTPClient
import Support

/// Reads the transactions after a revision from consecutive watches: when one breaks, the next one resumes where it ended, at
/// another member if necessary.
///
/// A watch starts *at* the position rather than after it, and known events are skipped, so that etcd reports a compaction
/// whenever a later event may be missing.
///
/// Changes that other programs make to the store's keys are reported by a watch open at that time, but may be skipped by a watch
/// that was just renewed.
actor EtcdFeed {
  private let client: EtcdClient
  private let store: EtcdStateStore
  /// The revision up to which everything was returned or is in `ready`.
  private(set) var position: Revision
  private var lines: HTTPLines.AsyncIterator?
  private var records: EtcdRecords
  private var ready: ArraySlice<StateRecord> = []
  private var failures = 0
  private var isReading = false

  init(_ store: EtcdStateStore, after revision: Revision) {
    self.store = store
    client = store.client
    position = max(0, revision)
    records = EtcdRecords(layout: store.layout)
  }

  /// Returns the next transaction; nil if the task is cancelled or the store is closed.
  func next() async throws -> StateRecord? {
    guard !isReading else {
      throw StateStoreError(.invalidArgument, "Two tasks read the same stream of changes. Open a stream for each task.")
    }
    isReading = true
    defer { isReading = false }
    do {
      while ready.isEmpty {
        try Task.checkCancellation()
        try await read()
      }
      return ready.removeFirst()
    } catch {
      lines = nil
      if error is CancellationError || (error as? StateStoreError)?.code == .closed || client.isClosed { return nil }
      throw error
    }
  }

  /// Reads one line, connecting first if necessary.
  private func read() async throws {
    guard var iterator = lines else { return try await connect() }
    do {
      let line = try await iterator.next()
      lines = iterator
      guard let line else { throw EtcdFailure.retry("the watch ended") }
      guard !line.isEmpty else { return }
      guard let answer = try? JSONDecoder().decode(EtcdStreamLine<EtcdWatchResponse>.self, from: Data(line)) else {
        throw EtcdFailure.retry("a watch returned a line that is not JSON")
      }
      if let error = answer.error { throw EtcdFailure(grpcCode: error.grpc_code, message: error.message ?? "") }
      if let result = answer.result { try take(result) }
    } catch let error as HTTPClientError where error.code == .timeout {
      // The time of this connection is over, as intended: the next one resumes where it ended.
      drop()
    } catch let error as HTTPClientError {
      try await recover(EtcdFailure(error))
    } catch let failure as EtcdFailure {
      try await recover(failure)
    }
  }

  private func take(_ result: EtcdWatchResponse) throws {
    if let compacted = result.compact_revision?.value, compacted > 0 {
      throw StateStoreError(
        .compacted,
        "etcd has compacted the history up to revision \(compacted), but only changes up to \(position) have been read. "
          + "List the state and continue from there.")
    }
    if result.canceled == true {
      throw EtcdFailure(grpcCode: nil, message: result.cancel_reason ?? "the watch was cancelled")
    }
    let complete = records.add(
      result.events ?? [], continues: result.fragment == true, after: position,
      nowMilliseconds: nowMilliseconds())
    guard let last = complete.last else { return }
    position = last.revision
    ready = complete[...]
    failures = 0
  }

  private func connect() async throws {
    do {
      guard let now = try await store.position(comparedWith: position) else {
        throw StateStoreError(
          .compacted,
          "etcd has not reached revision \(position): it was restored from a backup and has a different history. "
            + "List the state and continue from there.")
      }
      // The store has not changed since: changes by others must not leave the position behind a compaction.
      if now.header <= position, now.count == now.countBefore { position = now.revision }
      let watch = EtcdWatch(
        create_request: EtcdWatch.Create(
          key: store.layout.header, range_end: store.layout.end(ofPrefix: ""),
          start_revision: EtcdNumber(max(1, position))))
      let stream = try await client.stream("watch", watch, for: store.configuration.watchRenewal)
      records = EtcdRecords(layout: store.layout)
      lines = stream.body.lines().makeAsyncIterator()
    } catch let failure as EtcdFailure {
      try await recover(failure)
    } catch let error as StateStoreError where error.code == .unavailable {
      // The client has tried all members and paused in between; a follower keeps trying.
      drop()
    }
  }

  private func drop() {
    lines = nil
    records = EtcdRecords(layout: store.layout)
  }

  /// Continues with another member after a failure, or rethrows it.
  private func recover(_ failure: EtcdFailure) async throws {
    drop()
    switch failure {
    case .refused(let refusal, let text): throw StateStoreError(etcd: refusal, text)
    case .tokenInvalid: client.forgetToken()
    case .retry: client.leaveEndpoint()
    }
    failures += 1
    try await Task.sleep(for: .milliseconds(min(2000, 25 << min(failures, 7))) * Double.random(in: 0.5...1))
  }
}
