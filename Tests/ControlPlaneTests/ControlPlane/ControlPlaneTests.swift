import Objects
import Scheduling
import StateStore
import Supervision
import TestSupport
import Testing

@testable import ControlPlane

@Suite("The control plane")
struct ControlPlaneTests {
  private let start = ContinuousClock.now
  private let analytical = "analytical"

  private func request(_ session: String, priority: Int = 0, isPreemptible: Bool = true) -> ResourceRequest {
    ResourceRequest(
      owner: ObjectReference.session(session), tenant: "t", priority: priority,
      members: [.init(Resources(analyticalSlots: 1))], sessions: 1, isPreemptible: isPreemptible)
  }

  /// Creates a control plane with a host that has room for one session.
  private func plane() -> ControlPlane {
    var plane = ControlPlane()
    let effects = plane.handle(.resources(.host("h", Resources(analyticalSlots: 1), labels: [:])), at: start)
    #expect(effects.isEmpty)
    return plane
  }

  private func tell(_ plane: inout ControlPlane, _ session: String, _ event: SessionControl.Event) -> [String] {
    plane.handle(.session(session, event), at: start).map(text)
  }

  private func text(_ effect: ControlPlane.Effect) -> String {
    switch effect {
    case .session(let session, .instance(_, let action)): "\(session): \(action)"
    case .session(let session, .resources(_, let event)): "\(session): \(caseName(event))"
    case .session(let session, let effect): "\(session): \(caseName(effect))"
    default: caseName(effect)
    }
  }

  private func open(
    _ plane: inout ControlPlane, _ session: String, priority: Int = 0, isPreemptible: Bool = true
  ) -> [String] {
    plane.handle(.open(session, lease: nil), at: start).map(text)
      + tell(
        &plane, session,
        .request(
          analytical, kind: .analytical, graph: nil,
          request(session, priority: priority, isPreemptible: isPreemptible)))
  }

  @Test("Engines are started once they are granted and the session is set up, in either order")
  func setUp() {
    var plane = plane()
    #expect(open(&plane, "a") == ["a: ask", "a: allocate"])
    #expect(plane.sessions["a"]?.engineAccess == .coming)
    #expect(tell(&plane, "a", .setUp) == ["a: start"])
    #expect(open(&plane, "b") == ["b: ask"])
    #expect(tell(&plane, "b", .setUp) == [])
    #expect(tell(&plane, "a", .instance(analytical, .becameReady)) == ["a: report"])
    #expect(plane.sessions["a"]?.engineAccess == .there)
    #expect(tell(&plane, "a", .close) == ["a: closing", "a: drain", "a: stop"])
    #expect(plane.sessions["a"]?.engineAccess == .gone)
    #expect(tell(&plane, "a", .allEnded) == ["a: release", "a: closed", "b: allocate", "b: start"])
    #expect(plane.sessions["a"] == nil && plane.scheduler.holding == [.session("b")])
  }

  @Test("A session gives way once it is admitted and its engines take steps, and waits again")
  func preemption() {
    var plane = plane()
    #expect(open(&plane, "a") == ["a: ask", "a: allocate"])
    #expect(open(&plane, "b", priority: 100) == ["b: ask"], "the preemption is kept")
    #expect(plane.sessions["a"]?.preemption != nil)
    #expect(tell(&plane, "a", .setUp) == ["a: start"])
    #expect(tell(&plane, "a", .instance(analytical, .becameReady)) == ["a: report"])
    #expect(tell(&plane, "a", .admitted) == ["a: giveWay"])
    #expect(
      tell(&plane, "a", .instance(analytical, .gaveWay)) == ["a: requeue", "b: allocate"], "what it had goes to b")
    #expect(plane.sessions["a"]?.engineAccess == .coming && plane.sessions["a"]?.preemption == nil)
    #expect(tell(&plane, "b", .close) == ["b: closing", "b: stop"])
    #expect(tell(&plane, "b", .allEnded) == ["b: release", "b: closed", "a: allocate", "a: start"])
  }

  @Test("A preemption during a restart of engines takes effect when they are ready")
  func preemptedRestart() {
    var plane = plane()
    _ = open(&plane, "a")
    _ = tell(&plane, "a", .setUp)
    _ = tell(&plane, "a", .instance(analytical, .becameReady))
    _ = tell(&plane, "a", .admitted)
    #expect(tell(&plane, "a", .startAgain(analytical)) == ["a: startAgain"])
    #expect(open(&plane, "b", priority: 100) == ["b: ask"])
    #expect(tell(&plane, "a", .startAgain(analytical)) == ["a: startAgain"], "the start failed, too")
    #expect(tell(&plane, "a", .instance(analytical, .becameReady)) == ["a: report", "a: giveWay"])
    #expect(tell(&plane, "a", .instance(analytical, .impaired)) == ["a: report"], "they died once more")
    #expect(tell(&plane, "a", .instance(analytical, .gaveWay)) == ["a: requeue", "b: allocate"])
  }

  @Test("A repeated or late grant changes nothing")
  func lateGrants() {
    var plane = plane()
    let granted = SessionControl.Event.granted(owner: ObjectReference.session("a"))
    _ = open(&plane, "a")
    #expect(tell(&plane, "a", granted) == [], "before it is set up")
    #expect(tell(&plane, "a", .setUp) == ["a: start"])
    for event in [SessionControl.Event.instance(analytical, .becameReady), .instance(analytical, .stop)] {
      let before = plane
      #expect(tell(&plane, "a", granted) == [] && plane.sessions == before.sessions)
      _ = tell(&plane, "a", event)
    }
    _ = tell(&plane, "a", .close)
    #expect(tell(&plane, "a", granted) == [])
    _ = tell(&plane, "a", .allEnded)
    #expect(tell(&plane, "a", granted) == [] && plane.sessions["a"] == nil)
    #expect(plane.scheduler.holding.isEmpty && plane.scheduler.waiting.isEmpty)
  }

  @Test("An owner that requests twice is granted once")
  func askedTwice() {
    var plane = plane()
    let ask = ControlPlane.Event.resources(.ask(request("a")))
    _ = open(&plane, "a")
    _ = open(&plane, "b")
    #expect(plane.handle(ask, at: start) == [] && plane.scheduler.holding == [.session("a")])
    #expect(plane.handle(.resources(.ask(request("b"))), at: start) == [] && plane.scheduler.waiting.count == 1)
    _ = tell(&plane, "a", .close)
    #expect(tell(&plane, "a", .allEnded) == ["a: release", "a: closed", "b: allocate"])
  }

  @Test("The lease of a session begins when it is visible to clients")
  func leaseOfOpening() {
    var plane = ControlPlane()
    _ = plane.handle(.open("a", lease: .seconds(5)), at: start)
    #expect(plane.handle(.tick, at: start + .seconds(60)) == [] && plane.sessions["a"]?.isOpen == true)
    #expect(plane.handle(.session("a", .admitted), at: start + .seconds(100)) == [])
    #expect(plane.handle(.tick, at: start + .seconds(104)) == [])
    #expect(plane.handle(.tick, at: start + .seconds(105)).map(text).first == "a: closing")
  }

  @Test("Engines that died are restarted with pauses on their resources, then given up, and others get these")
  func restarts() {
    var plane = plane()
    _ = open(&plane, "a")
    _ = tell(&plane, "a", .setUp)
    _ = tell(&plane, "a", .instance(analytical, .becameReady))
    _ = open(&plane, "b")
    var pauses: [Duration] = []
    for _ in 0..<RestartBudget.maximumStarts {
      for case .session("a", .startAgain(_, let pause)) in plane.handle(
        .session("a", .startAgain(analytical)), at: start)
      {
        pauses.append(pause)
      }
      #expect(plane.sessions["a"]?.engineAccess == .coming && plane.scheduler.holding == [.session("a")])
    }
    #expect(pauses == [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(8)])
    #expect(tell(&plane, "a", .startAgain(analytical)) == ["a: release", "a: givenUp", "b: allocate"])
    #expect(plane.sessions["a"]?.engineAccess == .gone && plane.sessions["a"]?.isOpen == true)
  }

  @Test("A rejection by the scheduler is reported with the reason, and the instance has failed")
  func refused() {
    var plane = plane()
    _ = plane.handle(.open("a", lease: nil), at: start)
    var wanted = request("a")
    wanted.members = Array(repeating: wanted.members[0], count: 2)
    let effects = tell(&plane, "a", .request(analytical, kind: .analytical, graph: nil, wanted))
    #expect(effects == ["a: ask", "resourcesRefused", "a: withdraw"])
    #expect(plane.sessions["a"]?.composition.instance(analytical)?.phase == .failed)
    #expect(tell(&plane, "a", .forget(analytical)) == [] && plane.sessions["a"]?.requests.isEmpty == true)
  }

  @Test("An instance that dies unexpectedly stays, as failed, until it is forgotten")
  func broken() {
    var plane = plane()
    _ = plane.handle(
      .resources(.host("i", Resources(analyticalSlots: 1, interactiveSlots: 1), labels: [:])), at: start)
    _ = open(&plane, "a")
    #expect(tell(&plane, "a", .graphMade(key: "k", name: "7")) == [])
    let wanted = ResourceRequest(
      owner: ObjectReference.instance("q", of: "a"), tenant: "t",
      members: [.init(Resources(interactiveSlots: 1))])
    #expect(
      tell(&plane, "a", .request("q", kind: .interactive, graph: "7", wanted)) == ["a: ask", "a: allocate"])
    #expect(tell(&plane, "a", .graphGone(key: "k")) == ["a: refused"], "it is served")
    #expect(tell(&plane, "a", .died("q")) == [], "it does not serve yet")
    _ = tell(&plane, "a", .instance("q", .allocated))
    _ = tell(&plane, "a", .instance("q", .becameReady))
    #expect(
      tell(&plane, "a", .died("q")) == ["a: stop"] && plane.sessions["a"]?.composition.instance("q")?.phase == .stopping
    )
    #expect(tell(&plane, "a", .instance("q", .ended)) == ["a: release"])
    #expect(tell(&plane, "a", .forget("q")) == [] && plane.sessions["a"]?.requests["q"] == nil)
    #expect(tell(&plane, "a", .graphsLost(keys: ["k"])) == [] && plane.sessions["a"]?.graphs.isEmpty == true)
  }

  @Test("Services and jobs end when they are stopped, after events in any order")
  func servicesAndJobs() {
    for seed in UInt64(0)..<50 {
      var random = SplitMix(seed: seed)
      var (plane, now) = (ControlPlane(), start)
      var started: Set<String> = []
      var running: Set<String> = []
      func perform(_ effects: [ControlPlane.Effect]) {
        for effect in effects {
          switch effect {
          case .service(_, .start(let graph)): #expect(started.insert(graph).inserted, "seed \(seed)")
          case .service, .job(_, .cancel), .job(_, .kill): break
          case .job(let name, .run): #expect(running.insert(name).inserted)
          case .job(let name, .report): running.remove(name)
          default: Issue.record("seed \(seed): \(effect)")
          }
        }
      }
      let graphs = ["g1", "g2", "g3"]
      for _ in 0..<200 {
        now = now.advanced(by: .milliseconds(Int.random(in: 0...20_000, using: &random)))
        let graph = graphs.randomElement(using: &random)!
        let job = "j\(Int.random(in: 0...3, using: &random))"
        let event: ControlPlane.Event =
          switch Int.random(in: 0...13, using: &random) {
          case 0: .service("s", .start(graph: graph))
          case 1: .service("s", .switchTo(graph: graph))
          case 2: .service("s", .abandonSwitch)
          case 3: .service("s", .stop)
          case 4, 5: .service("s", .becameReady(graph: graph))
          case 6: .service("s", .interrupted(graph: graph))
          case 7: .job(job, .submit(timeLimit: .seconds(30)))
          case 8: .job(job, .start)
          case 9: .job(job, .succeeded)
          case 10: .job(job, .cancel)
          case 11: .job(job, .forget)
          default: .tick
          }
        perform(plane.handle(event, at: now))
        // A leaving server ends.
        for graph in plane.services["s"]?.leaving ?? [] where Bool.random(using: &random) {
          perform(plane.handle(.service("s", .ended(graph: graph)), at: now))
          started.remove(graph)
        }
      }
      perform(plane.handle(.service("s", .stop), at: now))
      while let graph = plane.services["s"]?.leaving.first {
        perform(plane.handle(.service("s", .ended(graph: graph)), at: now))
      }
      #expect(plane.services.isEmpty)
      for name in plane.jobs.keys.sorted() {
        perform(plane.handle(.job(name, .cancel), at: now))
        perform(plane.handle(.job(name, .failed), at: now))
        perform(plane.handle(.job(name, .forget), at: now))
      }
      #expect(plane.jobs.isEmpty && running.isEmpty && plane.deadline == nil)
    }
  }
}
