import Engines
import GraphStore
import Synchronization

/// What a session's object store holds, charged to its tenant. The engine takes memory there without asking, so the store
/// is asked after each operation that may have made it grow or shrink.
final class StoreMeter: Sendable {
  private let storage: any StorageAccount
  private let measure: @Sendable () async -> Int?
  private let charged = Mutex(0)

  /// A meter.
  /// - Parameter measure: bytes that the store holds; nil when it does not answer.
  init(_ storage: any StorageAccount, measure: @escaping @Sendable () async -> Int?) {
    (self.storage, self.measure) = (storage, measure)
  }

  /// The meter of a session's processes. Workers have parts of about the same size, so that the stores of other hosts are
  /// taken to hold as much for each worker as this host's; where none is here, nothing is charged.
  convenience init(_ storage: any StorageAccount, _ commands: EngineCommands) {
    guard let own = commands.hosts.all.first, commands.hosts.includeOwn else {
      self.init(storage) { nil }
      return
    }
    self.init(storage) { await Self.bytes(of: commands.socket).map { $0 / own.workers * commands.workers } }
  }

  /// Charges what the store holds now.
  /// - Throws: `StorageRefusal` when it holds more than before and there is no room for that; nothing changes then.
  func settle() async throws {
    guard let held = await measure() else { return }
    try charged.withLock { charged in
      if held > charged { try storage.take(held - charged, as: .memory) }
      if held < charged { storage.giveBack(charged - held, as: .memory) }
      charged = held
    }
  }

  /// Charges what the store holds now, whether there is room for it or not.
  func settleUnasked() async {
    guard let held = await measure() else { return }
    charge(held)
  }

  /// The store is gone.
  func end() { charge(0) }

  private func charge(_ held: Int) {
    charged.withLock { charged in
      if held > charged { storage.takeUnconditionally(held - charged, as: .memory) }
      if held < charged { storage.giveBack(charged - held, as: .memory) }
      charged = held
    }
  }

  /// Bytes that the store behind a socket holds; nil when it does not tell.
  static func bytes(of socket: String) async -> Int? {
    let status = try? await StoreConnection.open(socket) { try await $0.request("instance_status_request", []) }
    guard case .integer(let bytes)? = status?["meta"]?["memory_usage"] else { return nil }
    return Int(exactly: bytes)
  }
}
