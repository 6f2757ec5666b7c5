import Engines
import JSON
import Synchronization
import Workers

/// Charges the memory of a session's object store to its tenant. The engine allocates memory there without asking, so the store
/// is measured after each operation that may have changed it.
final class StoreMeter: Sendable {
  private let storage: any StorageAccount
  private let measure: @Sendable () async -> Int?
  private let charged = Mutex(0)

  /// Creates a meter.
  /// - Parameter measure: Returns the bytes that the store holds; nil if it does not answer.
  init(_ storage: any StorageAccount, measure: @escaping @Sendable () async -> Int?) {
    (self.storage, self.measure) = (storage, measure)
  }

  /// Creates the meter of a session's processes. The parts of the workers have about the same size, so the stores of other hosts
  /// are assumed to hold as much per worker as this host's store; if there is none on this host, nothing is charged.
  convenience init(_ storage: any StorageAccount, _ commands: EngineCommands) {
    guard let own = commands.hosts.all.first, commands.hosts.includeOwn else {
      self.init(storage) { nil }
      return
    }
    self.init(storage) { await Self.bytes(of: commands.socket).map { $0 / own.workers * commands.workers } }
  }

  /// Charges the bytes that the store holds.
  /// - Throws: `StorageRefusal` when it holds more than before and there is no room for that; nothing is then changed.
  func settle() async throws {
    guard let held = await measure() else { return }
    try charged.withLock { charged in
      if held > charged { try storage.take(held - charged, as: .memory) }
      if held < charged { storage.giveBack(charged - held, as: .memory) }
      charged = held
    }
  }

  /// Charges the bytes that the store holds, even if there is no room for them.
  func settleUnasked() async {
    guard let held = await measure() else { return }
    charge(held)
  }

  /// Returns all bytes: the store has ended.
  func end() { charge(0) }

  private func charge(_ held: Int) {
    charged.withLock { charged in
      if held > charged { storage.takeUnconditionally(held - charged, as: .memory) }
      if held < charged { storage.giveBack(charged - held, as: .memory) }
      charged = held
    }
  }

  /// Returns the bytes held by the store behind a socket; nil if it does not report them.
  static func bytes(of socket: String) async -> Int? {
    let status = try? await StoreConnection.open(socket) { try await $0.request("instance_status_request", []) }
    guard case .integer(let bytes)? = status?["meta"]?["memory_usage"] else { return nil }
    return Int(exactly: bytes)
  }
}
