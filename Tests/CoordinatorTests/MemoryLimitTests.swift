import Testing

@testable import Coordinator

struct MemoryLimitTests {
  @Test("The limits of a process are those of its control groups and of all above them")
  func files() {
    let files = memoryLimitFiles("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/system.slice/a.service\n")
    #expect(
      files == [
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes",
        "/sys/fs/cgroup/system.slice/memory.max", "/sys/fs/cgroup/system.slice/a.service/memory.max",
      ])
    #expect(memoryLimitFiles("0::/../../x\n").last == "/sys/fs/cgroup/x/memory.max")
    #expect(memoryLimitFiles("nonsense").count == 2 && hostMemory() > 0)
  }
}
