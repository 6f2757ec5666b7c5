import Glibc

/// A mutex that conditions can be waited for with; POSIX, because the standard library's mutex has no conditions.
final class ConditionLock: @unchecked Sendable {
  // @unchecked: the mutex is made for sharing between threads and lives at a fixed address.
  fileprivate let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() { pthread_mutex_init(mutex, nil) }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func locked<R>(_ body: () throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }
}

/// Something that threads wait for, always with the same lock held.
final class Condition: @unchecked Sendable {
  // @unchecked: the condition is made for sharing between threads and lives at a fixed address.
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() { pthread_cond_init(condition, nil) }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }

  /// Waits until woken; look again afterwards whether what was waited for is true.
  func wait(_ lock: ConditionLock) { pthread_cond_wait(condition, lock.mutex) }

  func wakeOne() { pthread_cond_signal(condition) }

  func wakeAll() { pthread_cond_broadcast(condition) }
}

/// Starts a detached thread; false if the system refuses one.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let argument = Unmanaged.passRetained(Box(body))
  let code = pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, argument.toOpaque())
  guard code == 0 else {
    argument.release()
    return false
  }
  pthread_detach(thread)
  return true
}
