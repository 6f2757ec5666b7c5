import FoundationEssentials
import Glibc

/// Processors of this host that the process may use.
func hostProcessors() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Bytes of memory that the process may use: the host's, or less where a control group bounds it (cgroups(7)).
public func hostMemory() -> Int64 {
  let physical = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
  let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
  let bounds = files.compactMap { path -> Int64? in
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return Int64(text.filter { $0.isNumber })
  }
  return ([physical] + bounds.filter { $0 > 0 }).min() ?? physical
}
