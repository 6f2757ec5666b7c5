import ArgumentParser

/// The commands other than `serve`: they read the configuration, a workspace or its logs, or send requests to a running
/// coordinator.
public enum OperatorCommands {
  /// The commands about the configuration and this machine.
  public static var single: [any ParsableCommand.Type] { [ShowConfiguration.self, DoctorCommand.self] }

  /// The other commands, in the groups in which the help lists them.
  public static var groups: [CommandGroup] {
    [
      CommandGroup(
        name: "Inspect",
        subcommands: [
          OperatorGet.self, OperatorDescribe.self, OperatorEvents.self, Logs.self, OperatorHistory.self,
          OperatorDiff.self,
        ]),
      CommandGroup(name: "Change", subcommands: [CloseSession.self, CancelStep.self, Scale.self, Reload.self]),
      CommandGroup(name: "Maintain", subcommands: [StateCommand.self, TokenCommand.self]),
    ]
  }
}
