import Engines

/// The hosts that a session's workers run on: this one first if it is among them, so that the engine's first worker, to
/// which the coordinator speaks, is here.
struct WorkerHosts: Sendable, Equatable {
  /// A host and its part of the workers.
  struct Host: Sendable, Equatable {
    var name: String
    var workers: Int
  }

  /// The name of the host that the coordinator runs on.
  static let own = "localhost"

  /// Each host once.
  let all: [Host]

  /// Workers on this host.
  init(here workers: Int) { all = [Host(name: Self.own, workers: workers)] }

  /// The hosts of workers.
  /// - Parameter placements: the host of each worker; one or more.
  /// - Throws: `EngineError` when one has a name that cannot be handed to ssh and MPI.
  init(_ placements: [String]) throws(EngineError) {
    var hosts: [Host] = []
    for placement in placements {
      let name = ["127.0.0.1", "::1"].contains(placement) ? Self.own : placement
      guard Self.isName(name) else {
        throw EngineError(
          .invalidArgument, "'\(name)' is no name of a host that ssh and MPI can be given",
          hint: "Name hosts by letters, digits, dots and hyphens, or by their IPv4 address")
      }
      if let index = hosts.firstIndex(where: { $0.name == name }) {
        hosts[index].workers += 1
      } else {
        hosts.append(Host(name: name, workers: 1))
      }
    }
    all = hosts.filter { $0.name == Self.own } + hosts.filter { $0.name != Self.own }
  }

  /// All workers.
  var workers: Int { all.reduce(0) { $0 + $1.workers } }

  /// The host of each worker, in the order of the analytical engine's workers.
  var ofWorkers: [String] { all.flatMap { Array(repeating: $0.name, count: $0.workers) } }

  /// The names of the other hosts.
  var others: [String] { all.map(\.name).filter { $0 != Self.own } }

  /// Whether some of the workers are here.
  var includeOwn: Bool { all.first?.name == Self.own }

  /// The hosts as `mpirun -host` takes them.
  var mpiList: String { all.map { "\($0.name):\($0.workers)" }.joined(separator: ",") }

  /// A word of a command line, for ssh and for MPI's list, which must be read as nothing else.
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
