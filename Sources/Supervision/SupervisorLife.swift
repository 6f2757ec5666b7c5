import CPlatform
import Glibc
import StateStore
import Support

/// Performs the actions of a child's lifecycle and reports their outcomes.
extension Supervisor {
  /// How long the remaining processes of a child may take to end after KILL before they are given up.
  private static let sweepPatience = Duration.seconds(10)

  func perform(_ action: ChildLifecycle.Action, on child: SupervisedChild) {
    switch action {
    case .none, .waitUntil, .reportReady, .reportUnresponsive, .reportCrashLoop, .reportFailed, .done: break
    // A lifecycle must not wait for the journal. What waits for the child waits for its state.
    case .spawn: Task { await self.spawn(child) }
    case .signalTerm: child.process?.signalGroup(SIGTERM)
    case .signalKill: killAll(of: child)
    }
    settle(child)
  }

  /// Applies everything that follows from a child's current phase.
  private func settle(_ child: SupervisedChild) {
    let phase = child.phase
    if phase != child.record.status.phase {
      child.record.moved(to: phase, nowMilliseconds: nowMilliseconds())
      // Spawning is journaled beforehand; the other phases are of no use to a successor.
      if ![.spawning, .aborting, .killing].contains(phase) { note(child) }
    }
    keepDeadline(of: child)
    keepProbing(child)
    resumeWaiters(of: child)
  }

  private func keepDeadline(of child: SupervisedChild) {
    guard child.timer?.deadline != child.lifecycle.deadline else { return }
    if let timer = child.timer { thread.cancel(timer.id) }
    child.timer = child.lifecycle.deadline.map { deadline in
      (deadline, thread.at(deadline) { self.deadlinePassed(child) })
    }
  }

  private func deadlinePassed(_ child: SupervisedChild) {
    child.timer = nil
    let before = child.phase
    let action = child.lifecycle.tick(at: .now)
    if action == .signalTerm, before == .starting || before == .adopted {
      child.doom = .notReady(withinMilliseconds: child.specification.policy.readinessDeadline.wholeMilliseconds)
    }
    perform(action, on: child)
  }

  // MARK: Starting

  private func spawn(_ child: SupervisedChild) async {
    child.prepare(token: randomStateID())
    do {
      try await journalFirst(child)
      guard child.phase == .spawning else { return ended(child, .stopped(byForce: false)) }
      try launch(child)
    } catch {
      // A child that never had a process is not retried: its start fails at once, with the reason.
      let words = "\(error)"
      let reason = words.hasSuffix(".") ? String(words.dropLast()) : words
      if child.record.status.starts == 0 {
        child.startFailure = reason
        _ = child.lifecycle.stop(at: .now)
      }
      return ended(child, .notStarted(reason: reason))
    }
    perform(child.lifecycle.spawned(at: .now), on: child)
    // Not earlier: a line that reports readiness must find the child starting.
    follow(child)
    if case .started = child.specification.readiness { becameReady(child) }
  }

  private func launch(_ child: SupervisedChild) throws {
    let token = child.record.status.token
    do {
      child.controlGroup = try configuration.controlGroups?.make(name: token, limits: child.specification.limits)
      let (output, error) = try openOutputs(of: child)
      defer {
        close(output)
        close(error)
      }
      let process = try Supervision.spawn(
        child.specification, token: token, output: output, error: error, controlGroup: child.controlGroup)
      child.process = process
      child.record.status.process = process.number
      child.record.status.startTime = ProcessTable.entry(process.number)?.startTime
      child.record.status.bootID = ProcessTable.bootID
      child.record.status.starts += 1
      lowerGroup(of: child, process.number)
    } catch {
      release(child)
      throw error
    }
  }

  /// Applies the child's niceness as the weight of its session, where the kernel schedules sessions as groups (autogroup): every
  /// child has a session of its own. Failures are ignored.
  private func lowerGroup(of child: SupervisedChild, _ number: Int32) {
    let niceness = child.specification.niceness
    guard niceness != 0, platform_set_group_niceness(number, niceness) == EAGAIN else { return }
    Task { await self.lowerGroupLater(of: child, number) }
  }

  /// Retries later: the kernel accepts ten such changes per second, from all processes together.
  private func lowerGroupLater(of child: SupervisedChild, _ number: Int32) async {
    for _ in 0..<50 {
      guard (try? await Task.sleep(for: .milliseconds(150))) != nil, child.process?.number == number,
        platform_set_group_niceness(number, child.specification.niceness) == EAGAIN
      else { return }
    }
  }

  /// Starts watching a child's process and output.
  func follow(_ child: SupervisedChild) {
    guard let process = child.process else { return }
    thread.watch(process.descriptor) { self.processEnded(child) }
    for output in child.outputs { output.begin() }
  }

  /// Creates the descriptors that a child writes to, and the readers of its output.
  private func openOutputs(of child: SupervisedChild) throws -> (output: Int32, error: Int32) {
    if child.specification.lifetime == .outlivesUs { return try openOutputFiles(of: child) }
    let output = try openPipe(of: child, isError: false)
    do { return (output, try openPipe(of: child, isError: true)) } catch {
      close(output)
      throw error
    }
  }

  private func openPipe(of child: SupervisedChild, isError: Bool) throws -> Int32 {
    var read: Int32 = -1
    var write: Int32 = -1
    let failure = platform_pipe(&read, &write)
    guard failure == 0 else {
      throw SupervisionError(
        .exhausted, "A pipe for the output of a child could not be created: \(describe(errno: failure)).")
    }
    child.outputs.append(PipeOutput(descriptor: read, isError: isError, receive: receiver(for: child)))
    return write
  }

  private func openOutputFiles(of child: SupervisedChild) throws -> (output: Int32, error: Int32) {
    let directory = outputDirectory(token: child.record.status.token)
    if mkdir(directory, 0o700) != 0 { throw SupervisionError.file(directory, errno) }
    child.outputDirectory = directory
    var descriptors: [Int32] = []
    do {
      for path in [directory + "/output", directory + "/error"] {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SupervisionError.file(path, errno) }
        descriptors.append(descriptor)
      }
      try followOutputFiles(of: child, savingPosition: false)
    } catch {
      for descriptor in descriptors { close(descriptor) }
      throw error
    }
    return (descriptors[0], descriptors[1])
  }

  func outputDirectory(token: String) -> String { (configuration.directory ?? "") + "/" + token }

  func followOutputFiles(of child: SupervisedChild, savingPosition: Bool) throws {
    let directory = outputDirectory(token: child.record.status.token)
    child.outputDirectory = directory
    child.outputs = try [("output", false), ("error", true)].map { name, isError in
      try FileOutput(
        path: directory + "/" + name, isError: isError, savesPosition: savingPosition, receive: receiver(for: child))
    }
  }

  private func receiver(for child: SupervisedChild) -> LineReceiver {
    { [unowned child] line, isError in self.received(line, isError, from: child) }
  }

  private func received(_ line: String, _ isError: Bool, from child: SupervisedChild) {
    child.keep(line)
    sink(child.specification.name, line, isError)
    guard case .line(let prefix) = child.specification.readiness, line.hasPrefix(prefix) else { return }
    guard child.phase == .starting || child.phase == .adopted else { return }
    child.record.status.readyLine = ChildExit.shortened(line)
    becameReady(child)
  }

  func becameReady(_ child: SupervisedChild) { perform(child.lifecycle.becameReady(), on: child) }

  // MARK: Ending

  private func killAll(of child: SupervisedChild) {
    child.isKilled = true
    _ = child.controlGroup?.kill()
    child.process?.signalGroup(SIGKILL)
    // Processes in other sessions are found once the main process has ended.
  }

  /// Handles the end of the child's main process. It stays a zombie until its other processes are gone, so that its id and
  /// process group cannot be reused.
  private func processEnded(_ child: SupervisedChild) {
    guard let process = child.process else { return }
    thread.unwatch(process.descriptor)
    sweepNow(child)
  }

  private func sweepNow(_ child: SupervisedChild) {
    sweeping.append(child)
    scheduleSweep(after: .zero)
  }

  /// Scans the process table once for all children that ended meanwhile.
  private func scheduleSweep(after pause: Duration) {
    if let sweepTimer { thread.cancel(sweepTimer) }
    sweepTimer = thread.at(.now + pause) { self.sweep() }
  }

  private func sweep() {
    sweepTimer = nil
    let due = sweeping
    let own = due.compactMap { child in
      child.process.flatMap { $0.isOurChild ? ($0.number, child.record.status.token) : nil }
    }
    let members = Dictionary(
      grouping: ProcessTable.members(
        tokens: Set(due.map(\.record.status.token)), sessions: Dictionary(uniqueKeysWithValues: own)),
      by: \.token)
    sweeping = due.filter { child in
      let left = (members[child.record.status.token] ?? []).map(\.process)
      return !endLeftOvers(left, of: child)
    }
    if !sweeping.isEmpty { scheduleSweep(after: .milliseconds(20)) }
  }

  /// Ends processes left behind. Returns whether the child's end is complete.
  private func endLeftOvers(_ left: [ProcessReference], of child: SupervisedChild) -> Bool {
    if child.phase == .terminating, !left.isEmpty {
      // They get the grace period, too; processes in other sessions were not signalled before.
      if !child.leftOversAreTold { for process in left { process.signal(SIGTERM) } }
      child.leftOversAreTold = true
      return false
    }
    _ = child.controlGroup?.kill()
    let deadline = child.sweepDeadline ?? .now + Self.sweepPatience
    child.sweepDeadline = deadline
    guard left.isEmpty || .now >= deadline else {
      for process in left { process.signal(SIGKILL) }
      return false
    }
    // A group cannot be removed while its last process is still exiting.
    if let controlGroup = child.controlGroup, !controlGroup.remove(), .now < deadline { return false }
    child.record.status.leftBehind = left.map(\.number)
    finishExit(of: child)
    return true
  }

  private func finishExit(of child: SupervisedChild) {
    for output in child.outputs { output.finish() }
    let status = child.process?.exitStatus(reap: true)
    let cause = child.exitCause(status)
    release(child)
    ended(child, cause)
  }

  /// Releases the resources of a process that is gone or was never started.
  private func release(_ child: SupervisedChild) {
    for output in child.outputs { output.finish() }
    child.outputs = []
    child.process = nil
    child.record.status.process = nil
    if let controlGroup = child.controlGroup { _ = controlGroup.remove() }
    child.controlGroup = nil
    if let directory = child.outputDirectory { try? Directories.remove(directory) }
    child.outputDirectory = nil
  }

  /// Reports that there is no process.
  private func ended(_ child: SupervisedChild, _ cause: ExitCause) {
    child.record.status.lastExit = ChildExit(cause: cause, lastLines: child.lastLines)
    perform(child.lifecycle.exited(cause.isSuccess ? .success : .failure, at: .now), on: child)
  }
}
