import Foundation
import HTTPClient

/// The transactions after a revision, from watches that follow each other: when one breaks the next begins where it
/// ended, at another member if need be.
///
/// A watch begins *at* the position, not after it, and what is known already is left out: so etcd says that it has
/// compacted whenever something of what follows may be missing.
///
/// What another program does to our keys is seen by a watch that is open at that moment, and may be passed over by one
/// that was just renewed.
actor EtcdFeed {
  private let client: EtcdClient
  private let store: EtcdStateStore
  /// Everything up to here was returned or is in `ready`.
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

  /// The next transaction; nil when the task is cancelled or the store closed.
  func next() async throws -> StateRecord? {
    guard !isReading else {
      throw StateStoreError(.invalidArgument, "Two tasks read the same stream of changes. Make one for each.")
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

  /// Reads one line, or connects.
  private func read() async throws {
    guard var iterator = lines else { return try await connect() }
    do {
      let line = try await iterator.next()
      lines = iterator
      guard let line else { throw EtcdFailure.retry("the watch ended") }
      guard !line.isEmpty else { return }
      guard let answer = try? JSONDecoder().decode(EtcdStreamLine<EtcdWatchResponse>.self, from: Data(line)) else {
        throw EtcdFailure.retry("a line of a watch is not JSON")
      }
      if let error = answer.error { throw EtcdFailure(grpcCode: error.grpc_code, message: error.message ?? "") }
      if let result = answer.result { try take(result) }
    } catch let error as HTTPClientError where error.code == .timeout {
      // The time for this connection is over, as agreed: the next one begins where it ended.
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
        "etcd has forgotten the history up to revision \(compacted), and \(position) was the last one read. "
          + "List the state and go on from there.")
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
          "etcd has not reached revision \(position): it was restored from a backup, and its history is another one. "
            + "List the state and go on from there.")
      }
      // Nothing of ours happened since: what others do must not let us fall behind a compaction.
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
      // The client has tried all members and waited in between; a follower goes on hoping.
      drop()
    }
  }

  private func drop() {
    lines = nil
    records = EtcdRecords(layout: store.layout)
  }

  /// Goes on with another member after a failure, or gives up.
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
