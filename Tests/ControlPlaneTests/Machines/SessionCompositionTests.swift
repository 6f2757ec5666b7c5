import Testing

@testable import ControlPlane

/// The events of an instance, for tests that enumerate them.
private enum Event: CaseIterable {
  case admit, granted, allocated, becameReady, impaired, broke, drained, ended, stop, tick
}

@Suite("A session and its instances")
struct SessionCompositionTests {
  let start = ContinuousClock.now

  private func apply(_ event: Event, to instance: inout InstanceLifecycle) -> InstanceLifecycle.Action {
    switch event {
    case .admit: instance.admit()
    case .granted: instance.granted(at: start)
    case .allocated: instance.allocated(at: start)
    case .becameReady: instance.becameReady()
    case .impaired: instance.impaired()
    case .broke: instance.broke(at: start)
    case .drained: instance.drained(at: start)
    case .ended: instance.ended()
    case .stop: instance.stop(at: start)
    case .tick: instance.tick(at: start.advanced(by: .seconds(1_000)))
    }
  }

  private func tell(_ session: inout SessionComposition, _ name: String, _ events: Event...) -> [SessionComposition
    .Effect]
  {
    events.flatMap { event in session.handle(name, at: start) { apply(event, to: &$0) } }
  }

  /// The events that bring a requested instance into a phase. An analytical one without a step never stays draining.
  private func path(to phase: InstanceLifecycle.Phase) -> [Event]? {
    switch phase {
    case .requested, .recovering: nil
    case .queued: []
    case .allocating: [.granted]
    case .starting: [.granted, .allocated]
    case .ready: [.granted, .allocated, .becameReady]
    case .degraded: [.granted, .allocated, .becameReady, .impaired]
    case .draining: [.granted, .allocated, .becameReady, .stop]
    case .stopping: [.granted, .stop]
    case .stopped: [.stop]
    case .failed: [.broke]
    }
  }

  /// A session with a graph and one instance in each given phase, with kinds in turn; recovering ones by a restart.
  private func session(_ phases: [(InstanceKind, InstanceLifecycle.Phase)]) throws -> SessionComposition {
    var session = SessionComposition(lease: .seconds(10), at: start)
    try session.addGraph("g")
    for (number, (kind, phase)) in phases.enumerated() {
      guard let path = path(to: phase) else { continue }
      _ = try session.request("i\(number)", kind: kind, graph: "g", at: start)
      if phase == .draining, kind == .analytical {
        for event in path.dropLast() { _ = tell(&session, "i\(number)", event) }
        try session.beginStep("step", on: "i\(number)")
        _ = tell(&session, "i\(number)", .stop)
      } else {
        for event in path { _ = tell(&session, "i\(number)", event) }
      }
    }
    guard phases.contains(where: { path(to: $0.1) == nil }) else { return session }
    var recorded = session.instances.compactMap { session.recorded($0) }
    for (number, (kind, phase)) in phases.enumerated() where path(to: phase) == nil {
      let record = InstanceLifecycle.Record(phase: phase == .recovering ? .ready : phase, isFailure: false)
      recorded.append(.init(name: "i\(number)", kind: kind, graph: kind == .analytical ? nil : "g", record: record))
    }
    return SessionComposition.recovered(
      lease: .seconds(10), isClosing: false, graphs: ["g"], instances: recorded, at: start
    ).session
  }

  @Test("Exactly the combinations in the table are legal")
  func legal() {
    for phase in InstanceLifecycle.Phase.allCases {
      #expect(SessionComposition.isLegal(.connected, phase) && SessionComposition.isLegal(.detached, phase))
      let ends: [InstanceLifecycle.Phase] = [.draining, .stopping, .stopped, .failed]
      #expect(SessionComposition.isLegal(.closing, phase) == ends.contains(phase))
      #expect(SessionComposition.isLegal(.closed, phase) == (phase == .stopped || phase == .failed))
      #expect(!(SessionComposition.isLegal(.closed, phase) && phase.holdsResources))
    }
  }

  @Test("Instances of two kinds are independent: in every pair of phases, an event of one does not affect the other")
  func pairs() throws {
    for (kind, other) in [
      (InstanceKind.analytical, InstanceKind.interactive), (.interactive, .learning), (.learning, .analytical),
    ] {
      for phase in InstanceLifecycle.Phase.allCases {
        for otherPhase in InstanceLifecycle.Phase.allCases {
          let before = try session([(kind, phase), (other, otherPhase)])
          #expect(before.violations() == [], "\(kind) \(phase), \(other) \(otherPhase)")
          let neighbour = before.instance("i1")
          for event in Event.allCases {
            var session = before
            let effects = tell(&session, "i0", event)
            #expect(session.instance("i1") == neighbour, "\(event) of \(kind) while \(phase)")
            #expect(session.violations() == [])
            for case .instance(let name, _) in effects { #expect(name == "i0") }
          }
        }
      }
    }
  }

  @Test("In every pair of phases, closing ends both instances and holds nothing afterwards")
  func closingPairs() throws {
    for phase in InstanceLifecycle.Phase.allCases {
      for otherPhase in InstanceLifecycle.Phase.allCases {
        var session = try session([(.analytical, phase), (.learning, otherPhase)])
        var effects = session.close(at: start)
        #expect(session.violations() == [], "\(phase), \(otherPhase)")
        #expect(session.phase == .closing || session.phase == .closed)
        // No event leads an instance of a closing session back.
        for name in session.instances {
          for event in Event.allCases where event != .ended {
            var copy = session
            _ = tell(&copy, name, event)
            #expect(copy.violations() == [], "\(event) while \(phase), \(otherPhase)")
          }
        }
        effects += session.endStep("step", at: start)
        for name in session.instances { effects += tell(&session, name, .drained, .ended) }
        #expect(session.phase == .closed && session.violations() == [])
        #expect(effects.count { $0 == .closed } == 1 && effects.last == .closed)
        #expect(!session.instances.contains { session.instance($0)!.phase.holdsResources })
      }
    }
  }

  @Test("A step runs on an analytical instance that is ready or degraded, and nowhere else")
  func steps() throws {
    for kind in InstanceKind.allCases {
      for phase in InstanceLifecycle.Phase.allCases {
        var session = try session([(kind, phase)])
        if session.step(on: "i0") != nil { _ = session.endStep("step", at: start) }
        if kind == .analytical, phase == .ready || phase == .degraded {
          try session.beginStep("s1", on: "i0")
          #expect(throws: SessionRefusal.busy("s1")) { try session.beginStep("s2", on: "i0") }
          #expect(session.endStep("s1", at: start) == [] && session.step(on: "i0") == nil)
        } else {
          #expect(throws: SessionRefusal.notServing("i0")) { try session.beginStep("s1", on: "i0") }
        }
      }
    }
  }

  @Test("A running step may finish when its instance drains, and is cancelled when it cannot continue")
  func stepsAndEnds() throws {
    var draining = try session([(.analytical, .ready)])
    try draining.beginStep("s", on: "i0")
    #expect(tell(&draining, "i0", .stop) == [.instance("i0", .drain)])
    #expect(draining.endStep("s", at: start) == [.instance("i0", .stop)])

    var late = try session([(.analytical, .ready)])
    try late.beginStep("s", on: "i0")
    _ = tell(&late, "i0", .stop)
    #expect(tell(&late, "i0", .tick) == [.instance("i0", .stop), .cancelStep("s")])
    let later = start.advanced(by: .seconds(2_000))
    #expect(late.handle("i0", at: later) { $0.tick(at: later) } == [.instance("i0", .kill)], "asked once")

    var broken = try session([(.analytical, .ready)])
    try broken.beginStep("s", on: "i0")
    #expect(tell(&broken, "i0", .ended) == [.instance("i0", .release), .cancelStep("s")])

    var closing = try session([(.analytical, .ready)])
    try closing.beginStep("s", on: "i0")
    #expect(closing.close(at: start) == [.instance("i0", .drain), .cancelStep("s")])
    #expect(tell(&closing, "i0", .ended) == [.instance("i0", .release)], "the step has not ended yet")
    #expect(closing.endStep("s", at: start) == [.closed])
  }

  @Test("Query and learning instances need an existing graph, which stays as long as they do")
  func graphs() throws {
    for kind in [InstanceKind.interactive, .learning] {
      var session = SessionComposition(lease: nil, at: start)
      #expect(throws: SessionRefusal.noGraph("g")) { _ = try session.request("i", kind: kind, graph: "g", at: start) }
      #expect(throws: SessionRefusal.noGraph("")) { _ = try session.request("i", kind: kind, at: start) }
      for phase in InstanceLifecycle.Phase.allCases {
        var session = try self.session([(kind, phase)])
        if phase.isFinal {
          try session.removeGraph("g")
        } else {
          #expect(throws: SessionRefusal.graphInUse("g", by: "i0")) { try session.removeGraph("g") }
        }
        #expect(session.violations() == [])
      }
    }
  }

  @Test("Nothing starts in a closing session; a second analytical instance or name is rejected; numbers are limited")
  func refusals() throws {
    var session = try session([(.analytical, .ready), (.interactive, .ready)])
    #expect(throws: SessionRefusal.analyticalExists("i0")) {
      _ = try session.request("x", kind: .analytical, at: start)
    }
    #expect(throws: SessionRefusal.nameTaken("i1")) {
      _ = try session.request("i1", kind: .learning, graph: "g", at: start)
    }
    #expect(throws: SessionRefusal.notOver("i1")) { try session.forget("i1") }
    for number in 2..<SessionComposition.maximumInstances {
      _ = try session.request("i\(number)", kind: .learning, graph: "g", at: start)
    }
    #expect(throws: SessionRefusal.tooManyInstances) {
      _ = try session.request("x", kind: .learning, graph: "g", at: start)
    }
    _ = tell(&session, "i2", .stop)
    try session.forget("i2")
    _ = try session.request("x", kind: .learning, graph: "g", at: start)
    for number in 1..<SessionComposition.maximumGraphs { try session.addGraph("g\(number)") }
    #expect(throws: SessionRefusal.tooManyGraphs) { try session.addGraph("more") }
    _ = session.close(at: start)
    #expect(throws: SessionRefusal.closing) { _ = try session.request("y", kind: .learning, graph: "g", at: start) }
    #expect(throws: SessionRefusal.closing) { try session.addGraph("h") }
    #expect(throws: SessionRefusal.closing) { try session.beginStep("s", on: "i0") }
    #expect(session.close(at: start) == [] && session.signOfLife(at: start) == .refused)
  }

  @Test("The lease closes the session; a restart renews it but never reopens what was closing")
  func leases() throws {
    var session = try session([(.analytical, .ready), (.learning, .queued)])
    #expect(session.deadline == start.advanced(by: .seconds(10)))
    let recorded = session.instances.compactMap { session.recorded($0) }
    let effects = session.tick(at: start.advanced(by: .seconds(10)))
    #expect(effects == [.instance("i0", .drain), .instance("i0", .stop), .instance("i1", .withdraw)])
    for isClosing in [false, true] {
      let later = start.advanced(by: .seconds(100))
      let (again, effects) = SessionComposition.recovered(
        lease: .seconds(10), isClosing: isClosing, graphs: ["g"], instances: recorded, at: later)
      #expect(again.phase == (isClosing ? .closing : .detached) && again.violations() == [])
      #expect(effects.contains(.instance("i0", isClosing ? .stop : .find)))
      if !isClosing { #expect(again.deadline == later.advanced(by: .seconds(10))) }
    }
    let requested = SessionComposition.Recorded(
      name: "i", kind: .analytical, graph: nil, record: .init(phase: .requested, isFailure: false))
    let again = SessionComposition.recovered(
      lease: nil, isClosing: false, graphs: [], instances: [requested], at: start)
    #expect(again.effects == [.instance("i", .askForResources)])
    let empty = SessionComposition.recovered(lease: nil, isClosing: true, graphs: [], instances: [], at: start)
    #expect(empty.session.phase == .closed && empty.effects == [.closed])
  }
}
