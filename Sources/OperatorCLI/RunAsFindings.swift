import Access
import Coordinator
import Engines
import Foundation
import GraphScopeEngines
import ServerConfiguration

extension RunAs {
  /// Returns whether engines could run as the users that the access file specifies; empty if it specifies none.
  static func findings(_ settings: Settings, _ installation: Installation?) -> [Doctor.Finding] {
    guard let path = settings.optionalText(.accessFile) else { return [] }
    do {
      return try AccessFile(path: path).tenants.sorted { $0.key < $1.key }.compactMap { name, rules in
        guard let user = rules.runAs else { return nil }
        let subject = "run_as \(name)"
        if let problem = try problem(user, settings, installation) {
          return Doctor.Finding(subject, .missing, problem.text, remedy: problem.remedy)
        }
        return Doctor.Finding(subject, .good, "engines run as the user \(user.name)")
      }
    } catch { return [Doctor.Finding("run_as", .missing, "\(error)")] }
  }

  private static func problem(
    _ user: EngineUser, _ settings: Settings, _ installation: Installation?
  ) throws -> (text: String, remedy: String)? {
    if let obstacle = obstacle(user) { return (obstacle, "Start the coordinator as root, or remove run_as") }
    let workspace =
      switch WorkspaceChoice(settings) {
      case .kept(let path): path
      case .temporary(let root): root
      }
    let parent = URL(filePath: workspace).deletingLastPathComponent().path
    if let closed = try Workspace.obstacle(to: parent, for: user) {
      return (
        "the user \(user.name) may not traverse '\(closed)', which leads to the workspace '\(workspace)'",
        "Set workspace to a path that all users may traverse, such as /var/lib/gscoordinator"
      )
    }
    for program in [installation?.engine, installation?.vineyardd, installation?.python].compactMap(\.self) {
      let isReadable = try user.files {
        let descriptor = open(program, O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
      }
      guard isReadable else {
        return (
          "the user \(user.name) cannot read '\(program)'",
          "Install the engines where all users may read them, such as in /opt"
        )
      }
    }
    return nil
  }
}
