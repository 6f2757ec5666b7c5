extension GraphServiceLifecycle {
  /// An event of a graph service, named after the method that handles it.
  public enum Event: Sendable, Equatable, Codable {
    case start(graph: String), switchTo(graph: String), abandonSwitch, stop, tick
    case becameReady(graph: String), interrupted(graph: String), ended(graph: String)
  }

  /// Handles an event.
  public mutating func handle(_ event: Event, at now: ContinuousClock.Instant) -> Action {
    switch event {
    case .start(let graph): start(graph)
    case .switchTo(let graph): switchTo(graph)
    case .abandonSwitch: abandonSwitch(at: now)
    case .becameReady(let graph): becameReady(graph, at: now)
    case .interrupted(let graph): interrupted(graph)
    case .ended(let graph): ended(graph)
    case .stop: stop(at: now)
    case .tick: tick(at: now)
    }
  }
}

extension JobLifecycle {
  /// An event of a job, named after the method that handles it.
  public enum Event: Sendable, Equatable, Codable {
    /// The job is submitted; ignored if a job of that name is known.
    case submit(timeLimit: Duration?)
    case start, succeeded, failed, cancel, tick
    /// Its result was collected: the job is forgotten once it is over.
    case forget
  }

  /// Handles an event.
  public mutating func handle(_ event: Event, at now: ContinuousClock.Instant) -> Action {
    switch event {
    case .submit, .forget: .none
    case .start: start(at: now)
    case .succeeded: succeeded()
    case .failed: failed()
    case .cancel: cancel(at: now)
    case .tick: tick(at: now)
    }
  }
}
