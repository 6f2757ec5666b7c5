import Glibc

/// A mutex for use with conditions. It uses POSIX threads because the mutex of the standard library supports no conditions.
final class ConditionLock: @unchecked Sendable {
  // @unchecked: the mutex is designed to be shared between threads and has a fixed address.
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

/// A condition variable, always waited for with the same lock held.
final class Condition: @unchecked Sendable {
  // @unchecked: the condition is designed to be shared between threads and has a fixed address.
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() { pthread_cond_init(condition, nil) }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }

  /// Waits until woken. Wake-ups may be spurious: check the awaited state again afterwards.
  func wait(_ lock: ConditionLock) { pthread_cond_wait(condition, lock.mutex) }

  func wakeOne() { pthread_cond_signal(condition) }

  func wakeAll() { pthread_cond_broadcast(condition) }
}

/// Starts a detached thread; returns false if the system has none to give.
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
