import CPlatform
import Glibc

/// Starts a child's process. On the supervision thread only: the parent-death signal belongs to it.
/// - Parameters:
///   - output: standard output's descriptor.
///   - error: standard error's descriptor.
/// - Throws: `SupervisionError` of code `notStarted`; its message says why, to follow "could not be started: ".
func spawn(
  _ specification: ChildSpecification, token: String, output: Int32, error: Int32, controlGroup: ControlGroup?
) throws -> ProcessReference {
  SupervisionThread.shared.checkIsolated()
  let arguments = CStrings([specification.executable] + specification.arguments)
  let environment = CStrings(environment(specification, token: token))
  let limits = resourceLimits(specification.limits, inControlGroup: controlGroup != nil)
  let directory = specification.directory ?? "/"
  let spawned = limits.withUnsafeBufferPointer { limits in
    withExtendedLifetime((arguments, environment)) {
      specification.executable.withCString { executable in
        directory.withCString { directory in
          withOptionalCString(controlGroup?.processesFile) { group in
            var request = platform_spawn_request(
              executable: executable, arguments: arguments.pointers, environment: environment.pointers,
              directory: directory, output: output, error: error,
              death_signal: specification.lifetime == .diesWithUs ? SIGKILL : 0, niceness: specification.niceness,
              limits: limits.baseAddress, limit_count: Int32(limits.count), cgroup: group)
            return platform_spawn(&request)
          }
        }
      }
    }
  }
  guard spawned.error == 0 else {
    throw SupervisionError(.notStarted, reason(spawned, specification, directory: directory))
  }
  return ProcessReference(child: spawned.pid, descriptor: spawned.pidfd)
}

private func environment(_ specification: ChildSpecification, token: String) -> [String] {
  var variables = specification.environment
  for name in specification.inheritedEnvironment where variables[name] == nil {
    if let value = getenv(name) { variables[name] = String(cString: value) }
  }
  variables[ProcessTable.tokenVariable] = nil
  // The token first, where it is found at once.
  return ["\(ProcessTable.tokenVariable)=\(token)"]
    + variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
}

private func resourceLimits(_ limits: ChildLimits, inControlGroup: Bool) -> [platform_limit] {
  var all = [platform_limit(resource: Int32(RLIMIT_CORE.rawValue), value: limits.coreBytes)]
  func add(_ resource: __rlimit_resource, _ value: UInt64?) {
    if let value { all.append(platform_limit(resource: Int32(resource.rawValue), value: value)) }
  }
  add(RLIMIT_CPU, limits.processorSeconds)
  add(RLIMIT_NOFILE, limits.openFiles)
  if !inControlGroup {
    add(RLIMIT_AS, limits.memoryBytes)
    add(__RLIMIT_NPROC, limits.processes)
  }
  return all
}

private func reason(
  _ spawned: platform_spawned, _ specification: ChildSpecification, directory: String
) -> String {
  let words = describe(errno: spawned.error)
  switch platform_stage(rawValue: UInt32(spawned.stage)) {
  case PLATFORM_STAGE_EXECUTE: return "\(words) (\(specification.executable))"
  case PLATFORM_STAGE_DIRECTORY: return "\(words) (its directory \(directory))"
  case PLATFORM_STAGE_CGROUP: return "its control group cannot be entered: \(words)"
  case PLATFORM_STAGE_NICENESS: return "niceness \(specification.niceness) was refused: \(words)"
  case PLATFORM_STAGE_LIMIT: return "a resource limit was refused: \(words)"
  case PLATFORM_STAGE_DESCRIPTORS: return "its descriptors could not be arranged: \(words)"
  case PLATFORM_STAGE_CLONE: return "no process could be made: \(words)"
  default: return words
  }
}

private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
  guard let text else { return body(nil) }
  return text.withCString { body($0) }
}

/// Strings as `execve` takes them.
private final class CStrings {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    pointers = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
    pointers[count] = nil
  }

  deinit {
    for index in 0..<count { free(pointers[index]) }
    pointers.deallocate()
  }
}
