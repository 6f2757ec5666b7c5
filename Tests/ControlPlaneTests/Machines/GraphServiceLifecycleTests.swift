import TestSupport
import Testing

@testable import ControlPlane

/// Graph a is served first; b is the target of switches; x is leaving; z is unknown.
private enum State: String, CaseIterable {
  case stopped, starting, running, runningLeaving, startingLeaving, switching, switchingOldDown, crashLooping
  case crashLoopingLeaving, draining, drainingTwo
}

private enum Event: String, CaseIterable {
  case startA, startB, switchToA, switchToB, switchToZ, readyA, readyB, readyZ, interruptedA, interruptedB
  case endedA, endedB, endedX, endedZ, abandonSwitch, stop, tickEarly, tickLate
}

@Suite("The lifecycle of a graph service")
struct GraphServiceLifecycleTests {
  let start = ContinuousClock.now

  private func service(in state: State) -> GraphServiceLifecycle {
    var service = GraphServiceLifecycle(drainTime: .seconds(10))
    func run(_ events: Event...) { for event in events { _ = apply(event, to: &service, at: start) } }
    switch state {
    case .stopped: break
    case .starting: run(.startA)
    case .running: run(.startA, .readyA)
    case .runningLeaving, .startingLeaving, .crashLoopingLeaving:
      _ = service.start("x")
      _ = service.becameReady("x", at: start)
      run(.switchToA, .readyA)
      if state == .startingLeaving { run(.interruptedA) }
      if state == .crashLoopingLeaving { run(.endedA) }
    case .switching: run(.startA, .readyA, .switchToB)
    case .switchingOldDown: run(.startA, .readyA, .switchToB, .interruptedA)
    case .crashLooping: run(.startA, .endedA)
    case .draining: run(.startA, .stop)
    case .drainingTwo: run(.startA, .readyA, .switchToB, .stop)
    }
    return service
  }

  private func apply(
    _ event: Event, to service: inout GraphServiceLifecycle, at now: ContinuousClock.Instant
  ) -> GraphServiceLifecycle.Action {
    switch event {
    case .startA: service.start("a")
    case .startB: service.start("b")
    case .switchToA: service.switchTo("a")
    case .switchToB: service.switchTo("b")
    case .switchToZ: service.switchTo("z")
    case .readyA: service.becameReady("a", at: now)
    case .readyB: service.becameReady("b", at: now)
    case .readyZ: service.becameReady("z", at: now)
    case .interruptedA: service.interrupted("a")
    case .interruptedB: service.interrupted("b")
    case .endedA: service.ended("a")
    case .endedB: service.ended("b")
    case .endedX: service.ended("x")
    case .endedZ: service.ended("z")
    case .abandonSwitch: service.abandonSwitch(at: now)
    case .stop: service.stop(at: now)
    case .tickEarly: service.tick(at: now)
    case .tickLate: service.tick(at: now.advanced(by: .seconds(60)))
    }
  }

  /// `phase graph+next-leaving`, without spaces.
  private func describe(_ service: GraphServiceLifecycle) -> String {
    let record = service.record
    return record.phase.rawValue + ":" + (record.graph ?? "") + (record.next.map { "+\($0)" } ?? "")
      + record.leaving.map { "-\($0)" }.joined()
  }

  private func describe(_ action: GraphServiceLifecycle.Action) -> String {
    switch action {
    case .start(let graph): "start:\(graph)"
    case .route(let graph): "route:\(graph)"
    case .switchOver(let from, let to): "over:\(from)\(to)"
    case .reportSwitchFailed(let graph): "noSwitch:\(graph)"
    case .retire(let graphs): "retire:" + graphs.joined()
    case .kill(let graphs): "kill:" + graphs.joined()
    case .none, .refuse, .unroute, .reportCrashLoop, .done: "\(action)"
    }
  }

  @Test("Every event in every state follows the table")
  func table() {
    let table = TransitionTable(
      """
      | startA | startB | switchToA | switchToB | switchToZ | readyA | readyB | readyZ | interruptedA | interruptedB | endedA | endedB | endedX | endedZ | abandonSwitch | stop | tickEarly | tickLate
      stopped | start:a > starting:a | start:b > starting:b | refuse | refuse | refuse | – | – | – | – | – | – | – | – | – | – | – | – | –
      starting | – | refuse | refuse | refuse | refuse | route:a > running:a | – | – | – | – | reportCrashLoop > crash-looping:a | – | – | – | – | retire:a > draining:-a | – | –
      running | – | refuse | – | start:b > switching:a+b | start:z > switching:a+z | – | – | – | unroute > starting:a | – | reportCrashLoop > crash-looping:a | – | – | – | – | retire:a > draining:-a | – | –
      runningLeaving | – | refuse | – | refuse | refuse | – | – | – | unroute > starting:a-x | – | reportCrashLoop > crash-looping:a-x | – | > running:a | – | – | retire:a > draining:-x-a | – | kill:x
      startingLeaving | – | refuse | refuse | refuse | refuse | route:a > running:a-x | – | – | – | – | reportCrashLoop > crash-looping:a-x | – | > starting:a | – | – | retire:a > draining:-x-a | – | kill:x
      switching | refuse | refuse | refuse | – | refuse | route:a | over:ab > running:b-a | – | unroute | – | unroute > starting:b | noSwitch:b > running:a | – | – | retire:b > running:a-b | retire:ab > draining:-a-b | – | –
      switchingOldDown | refuse | refuse | refuse | – | refuse | route:a | over:ab > running:b-a | – | unroute | – | unroute > starting:b | noSwitch:b > starting:a | – | – | retire:b > starting:a-b | retire:ab > draining:-a-b | – | –
      crashLooping | start:a > starting:a | start:b > starting:b | start:a > starting:a | start:b > starting:b | start:z > starting:z | – | – | – | – | – | – | – | – | – | – | done > stopped: | – | –
      crashLoopingLeaving | refuse | refuse | refuse | refuse | refuse | – | – | – | – | – | – | – | > crash-looping:a | – | – | > draining:-x | – | kill:x
      draining | refuse | refuse | refuse | refuse | refuse | – | – | – | – | – | done > stopped: | – | – | – | – | – | – | kill:a
      drainingTwo | refuse | refuse | refuse | refuse | refuse | – | – | – | – | – | > draining:-b | > draining:-a | – | – | – | – | – | kill:ab
      """)
    table.check(State.self, Event.self) { state, event in
      var service = service(in: state)
      let before = describe(service)
      let action = describe(apply(event, to: &service, at: start))
      let after = describe(service)
      return (action, after == before ? state.rawValue : after)
    }
  }

  @Test("After a coordinator's restart, servers are started or adopted, and leaving ones end")
  func recovery() {
    let expected: [State: (String, [String])] = [
      .stopped: ("stopped:", []), .starting: ("starting:a", ["start:a"]), .running: ("starting:a", ["start:a"]),
      .runningLeaving: ("starting:a-x", ["start:a", "retire:x"]),
      .startingLeaving: ("starting:a-x", ["start:a", "retire:x"]),
      .switching: ("switching:a+b", ["start:a", "start:b"]),
      .switchingOldDown: ("switching:a+b", ["start:a", "start:b"]), .crashLooping: ("crash-looping:a", []),
      .crashLoopingLeaving: ("crash-looping:a-x", ["retire:x"]), .draining: ("draining:-a", ["retire:a"]),
      .drainingTwo: ("draining:-a-b", ["retire:ab"]),
    ]
    for state in State.allCases {
      let (service, actions) = GraphServiceLifecycle.recovered(from: service(in: state).record, at: start)
      #expect(describe(service) == expected[state]?.0 && actions.map { describe($0) } == expected[state]?.1, "\(state)")
    }
  }

  @Test("During a switch the old graph serves until the new one is ready")
  func switching() {
    var service = service(in: .running)
    var routed = "a"
    #expect(service.switchTo("b") == .start("b"))
    #expect(service.graph == "a")
    if case .switchOver(_, let to) = service.becameReady("b", at: start) { routed = to }
    #expect(routed == "b" && service.graph == "b" && service.leaving == ["a"])
    #expect(service.switchTo("c") == .refuse, "two servers at most")
    #expect(service.ended("a") == .none && service.leaving.isEmpty && service.deadline == nil)
    #expect(service.switchTo("c") == .start("c"))
  }

  @Test(
    "Random histories route only to a server that is there, keep at most two, and end when stopped", arguments: 0..<200)
  func randomWalk(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var service = GraphServiceLifecycle()
    var now = start
    var servers: Set<String> = []
    var route: String?
    func follow(_ action: GraphServiceLifecycle.Action) {
      switch action {
      case .start(let graph):
        #expect(!servers.contains(graph))
        servers.insert(graph)
      case .route(let graph): route = graph
      case .switchOver(let from, let to):
        #expect(servers.contains(from))
        route = to
      case .retire(let graphs):
        if let current = route, graphs.contains(current) { route = nil }
        #expect(servers.isSuperset(of: graphs))
      case .unroute, .reportCrashLoop: route = nil
      case .kill(let graphs): #expect(servers.isSuperset(of: graphs) && !graphs.contains { $0 == route })
      case .done: #expect(servers.isEmpty)
      case .none, .refuse, .reportSwitchFailed: break
      }
      #expect(servers.count <= 2)
      if let route { #expect(servers.contains(route) && !service.leaving.contains(route), "drained and serving") }
      if service.phase == .running { #expect(route == service.graph) }
      if service.phase == .stopped || service.phase == .draining { #expect(route == nil) }
    }
    for _ in 0..<100 {
      now = now.advanced(by: .seconds(Int.random(in: 0...10, using: &random)))
      let event = Event.allCases.randomElement(using: &random)!
      let graph = String(event.rawValue.last!).lowercased()
      if event.rawValue.hasPrefix("ready") || event.rawValue.hasPrefix("interrupted"), !servers.contains(graph) {
        continue
      }
      if event.rawValue.hasPrefix("ended") {
        guard servers.remove(graph) != nil else { continue }
      }
      follow(apply(event, to: &service, at: now))
    }
    follow(service.stop(at: now))
    follow(service.tick(at: now.advanced(by: .seconds(1_000))))
    for graph in service.leaving {
      servers.remove(graph)
      follow(service.ended(graph))
    }
    #expect(service.phase == .stopped && servers.isEmpty)
  }
}
