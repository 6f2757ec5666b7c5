import FoundationEssentials
import Glibc

/// Returns the number of processors that this process may use.
func hostProcessors() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Returns the bytes of memory that this process may use: those of the host, or less if limited by a control group or one above
/// it (cgroups(7)).
public func hostMemory() -> Int64 {
  let physical = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
  let own = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
  let bounds = memoryLimitFiles(own).compactMap { path -> Int64? in
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return Int64(text.filter { $0.isNumber })
  }
  return ([physical] + bounds.filter { $0 > 0 }).min() ?? physical
}

/// Returns the files with the memory limits of a process, given the contents of its `/proc/PID/cgroup` in version 1 or 2: those
/// of its groups and of all groups above. In a container, the root is its own group.
func memoryLimitFiles(_ groups: String) -> [String] {
  var files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
  for line in groups.split(separator: "\n") {
    let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard fields.count == 3 else { continue }
    let isUnified = fields[0] == "0" && fields[1].isEmpty
    guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
    let (root, name) =
      isUnified ? ("/sys/fs/cgroup", "memory.max") : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    var directory = root
    for part in fields[2].split(separator: "/").prefix(64) where part != ".." {
      directory += "/\(part)"
      files.append("\(directory)/\(name)")
    }
  }
  return files
}
