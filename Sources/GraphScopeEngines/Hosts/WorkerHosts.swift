import Engines

/// The hosts of a session's workers. This host is first if it is among them, because the coordinator talks to the engine's first
/// worker.
struct WorkerHosts: Sendable, Equatable {
  /// A host and the number of its workers.
  struct Host: Sendable, Equatable {
    var name: String
    var workers: Int
  }

  /// The name of the coordinator's own host.
  static let own = "localhost"

  /// The hosts, without duplicates.
  let all: [Host]

  /// Places all workers on this host.
  init(here workers: Int) { all = [Host(name: Self.own, workers: workers)] }

  /// Groups workers by host.
  /// - Parameter placements: The host of each worker; one or more.
  /// - Throws: `EngineError` when a name is not safe to pass to ssh and MPI.
  init(_ placements: [String]) throws(EngineError) {
    var hosts: [Host] = []
    for placement in placements {
      let name = ["127.0.0.1", "::1"].contains(placement) ? Self.own : placement
      guard Self.isName(name) else {
        throw EngineError(
          .invalidArgument, "'\(name)' is not a host name that can be passed to ssh and MPI",
          hint: "Use names of letters, digits, dots and hyphens, or IPv4 addresses")
      }
      if let index = hosts.firstIndex(where: { $0.name == name }) {
        hosts[index].workers += 1
      } else {
        hosts.append(Host(name: name, workers: 1))
      }
    }
    all = hosts.filter { $0.name == Self.own } + hosts.filter { $0.name != Self.own }
  }

  /// The number of all workers.
  var workers: Int { all.reduce(0) { $0 + $1.workers } }

  /// The host of each worker, in the order of the analytical engine's workers.
  var ofWorkers: [String] { all.flatMap { Array(repeating: $0.name, count: $0.workers) } }

  /// The names of the other hosts.
  var others: [String] { all.map(\.name).filter { $0 != Self.own } }

  /// Whether some of the workers are on this host.
  var includeOwn: Bool { all.first?.name == Self.own }

  /// The hosts in the format of `mpirun -host`.
  var mpiList: String { all.map { "\($0.name):\($0.workers)" }.joined(separator: ",") }

  /// Returns whether a name is a plain word, which neither ssh nor MPI's host list can interpret otherwise.
  static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 253 && !name.hasPrefix("-")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}
