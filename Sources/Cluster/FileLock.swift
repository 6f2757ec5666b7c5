import Glibc

/// A file that one process at a time holds (`flock`). The kernel lets go when the process ends, however it ends.
///
/// A lock belongs to the open file, and a process that is being started has copies of all open files of its parent
/// until it executes its program. So a copy may outlive the holder by a moment: closing the file is not letting go, and
/// who was refused asks again before it believes that somebody works on.
public enum FileLock {
  /// How often a lock is asked for, and the pause in between in microseconds: 200 ms in all.
  private static let (attempts, pauseMicroseconds) = (20, UInt32(10_000))

  /// Takes the lock of an open file.
  /// - Returns: false when somebody else holds it, and goes on holding it.
  public static func take(_ descriptor: Int32) -> Bool { take(descriptor) { usleep(pauseMicroseconds) } }

  /// Takes the lock of an open file; `pause` waits between two attempts.
  static func take(_ descriptor: Int32, pause: () -> Void) -> Bool {
    for attempt in 1...attempts {
      if takeNow(descriptor) { return true }
      if attempt < attempts { pause() }
    }
    return false
  }

  /// Takes the lock of an open file if nobody holds it at this moment.
  public static func takeNow(_ descriptor: Int32) -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Lets go of the lock, whoever has copies of the open file, and closes it.
  public static func release(_ descriptor: Int32) {
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
