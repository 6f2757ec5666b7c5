import Coordinator
import Foundation
import Fuzzing
import Testing

@testable import ServerConfiguration

@Suite("Fuzzing of configuration")
struct FuzzConfigurationTests {
  private static let corpus = [
    "port: 0\nlimits:\n  sessions: 10\n  connections: 10\ntls:\n  minimum_version: 1.3\n",
    "{\"coordinator\": {\"service_port\": 1}, \"session\": {\"num_workers\": 2}, \"log_level\": \"info\"}",
    "hosts:\n- name: localhost\n  analytical: 4\n  cpu: 2\n  memory: 1Gi\n  labels: {a: b}\ntenants:\n- name: t\n  weight: 3\n",
    "listeners:\n- name: l\n  address: 127.0.0.1:1\n  tenant: t\n  role: user\ncertificates:\n- common_name: x\n  tenant: t\n",
    "a: &x [1, 2]\nb: *x\nc: !!int '3'\nd: |\n  text\n", "host1:2,host2,[::1]:3",
  ].map { Array($0.utf8) }

  private static let words = [
    "&a ", "*a", "!!", "<<: ", "- ", ": ", "\"", "{", "}", "[", "]", "|\n", "null", "1e999", "-1",
  ]
  .map { Array($0.utf8) }

  @Test("Configuration, access and cluster files are read or rejected with a message")
  func files() {
    var fuzzer = Fuzzer("configuration", corpus: Self.corpus, words: Self.words, inputs: 1_000)
    let cluster = ClusterFile(base: .ownHostAlone(sessions: 100, cpuMillicores: 4000, memoryBytes: 8 << 30))
    let slow = fuzzer.run { input in
      let text = String(decoding: input, as: UTF8.self)
      func outcome(_ body: () throws -> Void) -> String {
        do {
          try body()
          return "read "
        } catch {
          #expect(!"\(error)".isEmpty)
          return "\("\(error)".filter { !$0.isNumber }.prefix(40)) "
        }
      }
      return outcome {
        var settings = Settings()
        _ = try ConfigurationFile.read(base64: Data(input).base64EncodedString(), into: &settings)
      }
        + outcome { _ = try AccessFile(yaml: text) }
        + outcome { _ = try cluster.plan(DocumentNode(text: text, name: "c.yaml")) }
        + outcome { _ = try HostList.plan(text, cluster.base) }
    }
    #expect(slow.isEmpty)
  }
}
