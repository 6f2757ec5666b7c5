import ArgumentParser
import CPlatform
import Foundation
import GraphScopeEngines
import Scheduling
import ServerConfiguration

/// `gscoordinator doctor`: checks whether this machine has what GraphScope's own engines require.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks the requirements of GraphScope's own engines; exits with 1 if they cannot run.",
    discussion: "It accepts the options of the server, and checks the requirements of a server started with them.")

  @OptionGroup(title: "Server options") var options: ConfigurationOptions

  func run() throws {
    let (settings, _) = try options.resolve()
    let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
    let cache = EngineChoice.cache(settings, workspace: FileManager.default.temporaryDirectory.path)
    let hosts = try settings.planReader()().hosts.map(\.name).filter { $0 != ClusterPlan.ownHost }
    let doctor = Doctor(
      EngineChoice.search(settings), files: HostFiles(), machine: .thisOne, path: path, cache: cache, hosts: hosts,
      remoteShell: try EngineChoice.reach(settings).remoteShell)
    let findings = doctor.findings() + RunAs.findings(settings, try? EngineChoice.search(settings).find())
    print(Self.text(findings, repeating: options))
    guard Doctor.isReady(findings) else { throw ExitCode(1) }
  }

  /// Returns a line for each finding, followed by a line with its remedy if it has one.
  /// - Parameter options: options to repeat in the suggested command.
  static func text(_ findings: [Doctor.Finding], repeating options: ConfigurationOptions) -> String {
    let width = findings.map(\.subject.count).max() ?? 0
    let lines = findings.flatMap { finding in
      let subject = finding.subject + String(repeating: " ", count: width - finding.subject.count)
      let state = finding.state.rawValue + String(repeating: " ", count: 7 - finding.state.rawValue.count)
      let line = "\(state)  \(subject)  \(finding.text)"
      return finding.remedy.isEmpty ? [line] : [line, String(repeating: " ", count: width + 11) + finding.remedy]
    }
    func command(_ engine: String, without left: [Setting]) -> String {
      let more = options.commandLine(without: left)
      return "gscoordinator --engine \(engine)" + (more.isEmpty ? "" : " " + more)
    }
    // Embedded engines run on this host only, and reject configurations with other hosts.
    let verdict =
      Doctor.isReady(findings)
      ? "GraphScope's engines can be started: " + command("graphscope", without: [.engine])
      : "GraphScope's engines cannot be started. The embedded engines need none of this: "
        + command("embedded", without: [.engine, .hosts])
    return (lines + [verdict]).joined(separator: "\n")
  }
}

extension Doctor.Machine {
  /// The machine that this process runs on.
  static var thisOne: Doctor.Machine {
    var files = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    return Doctor.Machine(
      freeBytes: { path in
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        return UInt64(info.f_bavail) * UInt64(info.f_frsize)
      },
      openFiles: UInt64(files.rlim_cur), hasFreePort: isPortFree(), firstLine: { firstLine(of: $0, $1) })
  }

  private static func firstLine(of program: String, _ arguments: [String]) -> String? {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    guard (try? process.run()) != nil else { return nil }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: output.prefix(4096), as: UTF8.self).split(separator: "\n").first.map(String.init)
  }
}
