import Synchronization

/// A value that is made when it is first needed and then shared.
final class Lazily<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  /// Returns the value. While one thread makes it, others wait. If making it fails, the next call tries again.
  func value(_ make: () throws -> Value) throws -> Value {
    try value.withLock { value in
      if let value { return value }
      let made = try make()
      value = made
      return made
    }
  }
}
