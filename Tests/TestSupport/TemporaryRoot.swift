import Glibc

/// A directory of a test's own that is not there yet.
public func temporaryRoot(_ name: String) -> String {
  "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/gscoordinator-\(name)-\(UInt64.random(in: 0...UInt64.max))"
}
