import ArgumentParser
import Coordinator
import Objects
import ServerConfiguration
import StateStore
import Synchronization
import Testing
import Turns
import Wire

@testable import OperatorCLI

@Suite("Commands that show graphs, results and steps, and end sessions and steps", .takesTurns, .timeLimit(.minutes(2)))
struct ObjectColumnTests {
  private func entry(_ kind: ObjectKind, _ name: String, _ spec: String, _ status: String) -> StateEntry {
    let document =
      #"{"kind":"\#(kind.rawValue)","name":"\#(name)","owner":"o","createdMilliseconds":\#(OperatorFixture.now - 1000),"#
      + #""spec":\#(spec),"status":\#(status),"conditions":[]}"#
    return StateEntry(key: kind.key(name), value: Array(document.utf8), created: 0, modified: 0)
  }

  @Test("Graphs are shown with their labels, counts and bytes, results with their algorithm")
  func objects() async throws {
    try await OperatorFixture.run { fixture async throws in
      #expect(try await fixture.output(OperatorGet.parse(["graphs"]).run) == ["No graphs found."])
      let labels =
        #""vertexLabels":[{"name":"person","count":1000}],"edgeLabels":[{"name":"knows","count":1234567},{"name":"x"}]"#
      let entries = [
        entry(
          .graph, "s/g", #"{"session":"s","key":"g"}"#,
          #"{"phase":"ready","vertices":1000,"edges":1234567,"dataBytes":1610612736,\#(labels)}"#),
        entry(.result, "s/r", #"{"algorithm":"wcc","graph":"g"}"#, #"{"phase":"unknown"}"#),
      ]
      fixture.plane.live.withLock { $0 = entries }
      #expect(
        try await fixture.output(OperatorGet.parse(["graphs"]).run)
          == [
            "NAME   STATUS   OWNER   AGE   LABELS                                 VERTICES   EDGES       SIZE",
            "s/g    ready    o       1s    person (1,000), knows (1,234,567), x   1,000      1,234,567   1.5 GiB",
          ])
      #expect(
        try await fixture.output(OperatorGet.parse(["results"]).run) == [
          "NAME   STATUS    OWNER   AGE   ALGORITHM   GRAPH   VALUES   SIZE",
          "s/r    unknown   o       1s    wcc         g       -        -",
        ])
      let described = try await fixture.output(OperatorDescribe.parse(["graphs"]).run)
      #expect(described.contains("  data: 1.5 GiB") && !described.contains { $0.hasPrefix("Revision:") })
      let error = await #expect(throws: OperatorError.self) {
        _ = try await fixture.output(OperatorGet.parse(["graphs", "--at", "3"]).run)
      }
      #expect(error?.description.contains("Leave out --at") == true)
    }
  }

  private func putStep(_ name: String, _ spec: String, _ status: String, _ fixture: OperatorFixture) async throws {
    let step = entry(.step, name, spec, status)
    _ = try await fixture.store.commit(
      StateTransaction(author: "o", summary: "put", changes: [.put(step.key, step.value)]))
  }

  @Test("Steps are shown with their work, duration, progress, and reason of failure")
  func steps() async throws {
    try await OperatorFixture.run { fixture async throws in
      let now = OperatorFixture.now
      let load = #"{"operations":[{"key":"a","kind":"DATA_SOURCE"},{"key":"b","kind":"CREATE_GRAPH"}]}"#
      try await putStep("s/1", load, #"{"phase":"succeeded","finishedMilliseconds":\#(now - 750)}"#, fixture)
      try await putStep(
        "s/2", #"{"algorithm":"sssp","operations":[]}"#,
        #"{"phase":"failed","finishedMilliseconds":\#(now + 89_000),"failure":{"message":"no\u001b such id"}}"#, fixture
      )
      try await putStep("s/3", #"{"algorithm":"wcc"}"#, #"{"phase":"running"}"#, fixture)
      fixture.plane.progress.withLock {
        $0["s/3"] = StepReport(operation: 2, operations: 3, kind: "RUN_APP", message: "half")
      }
      #expect(
        try await fixture.output(OperatorGet.parse(["steps"]).run) == [
          "NAME   STATUS      OWNER   AGE   WORK           TIME    PROGRESS",
          "s/1    succeeded   o       1s    CREATE_GRAPH   250ms   -",
          "s/2    failed      o       1s    sssp           1m30s   no\u{fffd} such id",
          "s/3    running     o       1s    wcc            1s      2/3 RUN_APP: half",
        ])
    }
  }

  @Test("Sessions are closed and steps cancelled by name, with or without the kind")
  func ending() async throws {
    try await OperatorFixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      try await fixture.put(.step, "a/1", phase: "running")
      fixture.plane.progress.withLock { $0["a/1"] = StepReport(operation: 1, operations: 1, kind: "RUN_APP") }
      #expect(try await fixture.output(CancelStep.parse(["step", "a/1"]).run) == ["Step a/1 is cancelled."])
      #expect(try await fixture.output(CloseSession.parse(["a"]).run) == ["Session a is closed."])
      #expect(fixture.plane.ended.withLock { $0 } == ["step a/1", "session a"])
      fixture.plane.progress.withLock { $0 = [:] }
      for (command, told) in [
        (["a/1"], "CONFLICT: the step 'a/1' does not run"),
        (["b/1"], "NOT_FOUND: there is no step 'b/1'. `gscoordinator get steps` lists those that exist"),
      ] {
        let error = await #expect(throws: OperatorError.self) {
          _ = try await fixture.output(CancelStep.parse(command).run)
        }
        #expect(error?.description == told)
      }
    }
  }

  @Test("Doctor ends with a shell command that repeats its options")
  func doctor() throws {
    let options = try ConfigurationOptions.parse([
      "--engine", "graphscope", "--set", "graphscope.python=/my env/it's", "--set", "hosts=localhost,b", "--port", "0",
      "--config-file", "a.yaml",
    ])
    let good = DoctorCommand.text([], repeating: options)
    #expect(
      good.hasSuffix(
        #"gscoordinator --engine graphscope --port 0 --config-file a.yaml --set 'graphscope.python=/my env/it'\''s' "#
          + "--set hosts=localhost,b"))
    let plain = DoctorCommand.text([], repeating: try ConfigurationOptions.parse([]))
    #expect(plain.hasSuffix(": gscoordinator --engine graphscope"))
  }
}
