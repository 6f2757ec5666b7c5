import CPlatform
import Glibc

/// Starts a child process. Call it on the supervision thread only, to which the parent-death signal is bound.
/// - Parameters:
///   - output: The descriptor for standard output.
///   - error: The descriptor for standard error.
/// - Throws: `SupervisionError` of code `notStarted`; its message is the reason, to follow "could not be started: ".
func spawn(
  _ specification: ChildSpecification, token: String, output: Int32, error: Int32, controlGroup: ControlGroup?
) throws -> ProcessReference {
  SupervisionThread.shared.checkIsolated()
  let arguments = CStrings([specification.executable] + specification.arguments)
  let environment = CStrings(environment(specification, token: token))
  let limits = resourceLimits(specification.limits, inControlGroup: controlGroup != nil)
  let directory = specification.directory ?? "/"
  let kept = Set(specification.descriptors).sorted()
  let spawned = withExtendedLifetime((arguments, environment)) {
    specification.executable.withCString { executable in
      directory.withCString { directory in
        withOptionalCString(controlGroup?.processesFile) { group in
          var request = platform_spawn_request()
          (request.executable, request.directory, request.cgroup) = (executable, directory, group)
          request.arguments = UnsafePointer(arguments.pointers)
          request.environment = UnsafePointer(environment.pointers)
          (request.output, request.error) = (output, error)
          request.death_signal = specification.lifetime == .diesWithUs ? SIGKILL : 0
          request.niceness = specification.niceness
          return spawn(&request, specification.user, kept: kept, limits)
        }
      }
    }
  }
  guard spawned.error == 0 else {
    throw SupervisionError(.notStarted, reason(spawned, specification, directory: directory))
  }
  return ProcessReference(child: spawned.pid, descriptor: spawned.pidfd)
}

private func spawn(
  _ request: inout platform_spawn_request, _ user: ChildUser?, kept: [Int32], _ limits: [platform_limit]
) -> platform_spawned {
  limits.withUnsafeBufferPointer { limits in
    kept.withUnsafeBufferPointer { kept in
      (user?.groups ?? []).withUnsafeBufferPointer { groups in
        (request.limits, request.limit_count) = (limits.baseAddress, Int32(limits.count))
        (request.kept, request.kept_count) = (kept.baseAddress, Int32(kept.count))
        guard let user else { return platform_spawn(&request) }
        var identity = platform_user(
          user: user.number, group: user.group, groups: groups.baseAddress, group_count: Int32(groups.count))
        return withUnsafePointer(to: &identity) {
          request.user = $0
          return platform_spawn(&request)
        }
      }
    }
  }
}

private func environment(_ specification: ChildSpecification, token: String) -> [String] {
  var variables = specification.environment
  for name in specification.inheritedEnvironment where variables[name] == nil {
    if let value = getenv(name) { variables[name] = String(cString: value) }
  }
  variables[ProcessTable.tokenVariable] = nil
  // The token comes first, where it is found fastest.
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
  case PLATFORM_STAGE_EXECUTE: return "\(words) (\(specification.executable))\(asWhom(specification))"
  case PLATFORM_STAGE_DIRECTORY: return "\(words) (directory \(directory))\(asWhom(specification))"
  case PLATFORM_STAGE_USER: return "it cannot run as another user\(asWhom(specification)): \(words)"
  case PLATFORM_STAGE_CGROUP: return "it cannot be moved into its control group: \(words)"
  case PLATFORM_STAGE_NICENESS: return "its niceness cannot be set to \(specification.niceness): \(words)"
  case PLATFORM_STAGE_LIMIT: return "a resource limit cannot be set: \(words)"
  case PLATFORM_STAGE_DESCRIPTORS: return "its descriptors cannot be set up: \(words)"
  case PLATFORM_STAGE_CLONE: return "no process could be created: \(words)"
  default: return words
  }
}

private func asWhom(_ specification: ChildSpecification) -> String {
  specification.user.map { ", as the user \($0.number)" } ?? ""
}

private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
  guard let text else { return body(nil) }
  return text.withCString { body($0) }
}

/// A null-terminated array of C strings, as taken by `execve`.
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
