import Logging
import ServiceLifecycle

/// Work in addition to the endpoints, such as watching files. Runs until it is done or its group is shut down.
struct Background: Service {
  /// The work; ends when its task is cancelled.
  let work: @Sendable () async -> Void

  func run() async { await cancelWhenGracefulShutdown(work) }
}

/// Work that ends by itself after its group was shut down.
struct Member: Service {
  let work: @Sendable () async throws -> Void

  /// Makes a service of work that waits for `gracefulShutdown()`.
  init(_ work: @escaping @Sendable () async throws -> Void) { self.work = work }

  /// Returns a service that does nothing until its group is shut down, and then ends something. Not an initializer, whose trailing
  /// closure could be taken for that of the other one.
  static func closing(_ close: @escaping @Sendable () async -> Void) -> Self {
    Self {
      try? await gracefulShutdown()
      await close()
    }
  }

  func run() async throws { try await work() }
}

extension ServiceGroup {
  /// Makes a group that ends when `end` does, or when a service fails: one service after the other, the last one first. The other
  /// services may end earlier. `run` throws the error of the service that failed.
  init(_ services: [any Service], until end: any Service, _ logger: Logger) {
    // The library's own log lines about starting and ending are not useful to operators.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let members = services.map {
      ServiceGroupConfiguration.ServiceConfiguration(
        service: $0, successTerminationBehavior: .ignore, failureTerminationBehavior: .gracefullyShutdownGroup)
    }
    let last = ServiceGroupConfiguration.ServiceConfiguration(
      service: end, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
    self.init(configuration: .init(services: members + [last], logger: quiet))
  }
}
