import Glibc

/// An exclusive lock on a file (`flock`). The kernel releases it when the process ends, however it ends.
///
/// A lock belongs to the open file description, and a child process shares all open files of its parent until it executes its
/// program. A lock may therefore outlive its holder by a moment: closing the file does not release it, and a refused caller must
/// retry before it concludes that another process is at work.
public enum FileLock {
  /// The number of attempts, and the pause between them in microseconds: 200 ms in all.
  private static let (attempts, pauseMicroseconds) = (20, UInt32(10_000))

  /// Takes the lock of an open file, waiting up to 200 ms.
  /// - Returns: false when another holder keeps it for that long.
  public static func take(_ descriptor: Int32) -> Bool { take(descriptor) { usleep(pauseMicroseconds) } }

  /// Takes the lock of an open file; `pause` is called between two attempts.
  static func take(_ descriptor: Int32, pause: () -> Void) -> Bool {
    for attempt in 1...attempts {
      if takeNow(descriptor) { return true }
      if attempt < attempts { pause() }
    }
    return false
  }

  /// Takes the lock of an open file if it is free at this moment.
  public static func takeNow(_ descriptor: Int32) -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Releases the lock, even if other processes have copies of the descriptor, and closes it.
  public static func release(_ descriptor: Int32) {
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
