import Synchronization
import Workers

/// An account with little room.
final class SmallAccount: StorageAccount {
  private let room: Int
  private let bytes = Mutex(0)

  init(room: Int) { self.room = room }

  var taken: Int { bytes.withLock { $0 } }

  func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal) {
    let hasRoom = self.bytes.withLock { taken in
      guard taken + bytes <= room else { return false }
      taken += bytes
      return true
    }
    guard hasRoom else { throw StorageRefusal("no room for \(bytes) bytes") }
  }

  func takeUnconditionally(_ bytes: Int, as kind: StorageKind) { self.bytes.withLock { $0 += bytes } }
  func giveBack(_ bytes: Int, as kind: StorageKind) { self.bytes.withLock { $0 -= bytes } }
}
