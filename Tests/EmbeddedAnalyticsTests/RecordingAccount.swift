import Synchronization
import Workers

/// An account that records reservations, and rejects a single one, or all beyond a limit.
final class RecordingAccount: StorageAccount {
  struct Books: Equatable {
    var memory = 0
    var mappedFiles = 0
    var all: Int { memory + mappedFiles }
  }

  private struct State {
    var books = Books()
    var peak = 0
    /// The number of reservations until one is rejected; 0 if it was rejected, nil if none is to be.
    var refusedTake: Int?
    var bound = Int.max
    var wentBelowZero = false

    mutating func add(_ bytes: Int, _ kind: StorageKind) {
      switch kind {
      case .memory: books.memory += bytes
      case .mappedFile: books.mappedFiles += bytes
      }
      peak = max(peak, books.all)
      wentBelowZero = wentBelowZero || books.memory < 0 || books.mappedFiles < 0
    }
  }

  private let state = Mutex(State())

  /// Creates an account that rejects everything beyond `bound` bytes.
  init(bound: Int = .max) { state.withLock { $0.bound = bound } }

  /// Rejects the reservation with this number, counted from 1.
  func refuse(_ number: Int) { state.withLock { $0.refusedTake = number } }

  /// Whether that reservation was made.
  var hasRefused: Bool { state.withLock { $0.refusedTake == 0 } }

  var books: Books { state.withLock { $0.books } }
  var bound: Int {
    get { state.withLock { $0.bound } }
    set { state.withLock { $0.bound = newValue } }
  }
  /// The maximum number of bytes of both kinds that were reserved at the same time.
  var peak: Int { state.withLock { $0.peak } }
  /// Whether more was ever released than reserved.
  var wentBelowZero: Bool { state.withLock { $0.wentBelowZero } }

  func forgetPeak() { state.withLock { $0.peak = $0.books.all } }

  static let refusal = StorageRefusal("tenant 'alice' has 3 bytes of 8 left, and 4 are wanted; unload a graph")

  func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal) {
    let isGranted = state.withLock { state in
      let number = state.refusedTake ?? 0
      state.refusedTake = max(0, number - 1)
      guard number != 1, bytes <= state.bound - state.books.all else { return false }
      state.add(bytes, kind)
      return true
    }
    if !isGranted { throw Self.refusal }
  }

  func takeUnconditionally(_ bytes: Int, as kind: StorageKind) { state.withLock { $0.add(bytes, kind) } }

  func giveBack(_ bytes: Int, as kind: StorageKind) { state.withLock { $0.add(-bytes, kind) } }
}
