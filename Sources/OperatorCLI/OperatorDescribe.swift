import ArgumentParser
import JSON
import Objects
import StateStore
import Support
import Wire

/// `gscoordinator describe`: shows everything about objects.
struct OperatorDescribe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Shows an object, or all objects of a kind, in full: spec, status, conditions and events.",
    discussion: """
      Examples:
        gscoordinator describe session session_x
        gscoordinator describe graphs
      """)

  @OptionGroup var object: ObjectArguments
  @Option(name: .customLong("at"), help: "Show it as of this revision, without events.") var revision: Int64?
  @OptionGroup(title: "Coordinator options") var options: OperatorOptions

  func validate() throws {
    _ = try object.resolve()
    if let revision, revision < 0 { throw ValidationError("--at is \(revision), but must be a revision, 0 or more") }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let (kind, name) = try object.resolve()
    let at = revision.map { String($0) }
    if let name { return try await show(try await client.get(kind.path(name), [("revision", at)]), client, console) }
    let objects = try await ObjectList(kind, at: at, client).items
    guard !objects.isEmpty else { return console.write("No \(kind.plural) found.") }
    for (number, object) in objects.enumerated() {
      if number > 0 { console.write("") }
      try await show(object, client, console)
    }
  }

  private func show(_ object: JSONValue, _ client: OperatorClient, _ console: OperatorConsole) async throws {
    var events: [JSONValue]?
    if revision == nil, let kind = object["kind"]?.text, let name = object["name"]?.text {
      // The object is useful even if its events cannot be read.
      events = try? await client.get("/control/v1/events", [("object", "\(kind)/\(name)"), ("limit", "20")])["items"]?
        .elements
    }
    for line in ObjectDescription(object, events: events, now: console.now()).lines { console.write(line) }
  }
}

/// The text of `describe`.
struct ObjectDescription {
  private(set) var lines: [String] = []

  /// - Parameter events: the events of the object; nil when they are not known.
  init(_ object: JSONValue, events: [JSONValue]?, now: Int64) {
    let created = object["createdMilliseconds"]?.number
    field("Name", object["name"]?.text)
    field("Kind", object["kind"]?.text)
    field("Owner", object["owner"]?.text)
    field("Tenant", object["tenant"]?.text)
    field("Created", created.map { "\(OperatorTime.text($0)) (\(OperatorTime.age($0, now: now)) ago)" })
    field("Revision", object["revision"]?.cell(key: ""))
    if let damage = object["damaged"]?.text { field("Damaged", damage) }
    section("Spec", object["spec"])
    section("Status", object["status"])
    addConditions(object["conditions"]?.elements ?? [], now: now)
    guard let events else { return }
    addEvents(events, now: now)
  }

  private mutating func field(_ title: String, _ text: String?) {
    guard let text, !text.isEmpty else { return }
    lines.append((title + ":").padding(to: 11) + text.harmless())
  }

  private mutating func section(_ title: String, _ value: JSONValue?) {
    guard let value, value != .object([]) else { return }
    lines.append("\(title):")
    add(value, margin: "  ")
  }

  /// Appends the lines of a value; nested values are indented.
  private mutating func add(_ value: JSONValue, margin: String) {
    switch value {
    case .object(let members):
      for (key, value) in members {
        if value.isEmptyOrScalar {
          let shown = ObjectUnit(key: key)
          lines.append("\(margin)\(shown.name(of: value).harmless()): \(value.cell(key: key).harmless())")
        } else {
          lines.append(margin + key.harmless() + ":")
          add(value, margin: margin + "  ")
        }
      }
    case .array(let elements):
      for element in elements {
        if element.isEmptyOrScalar {
          lines.append("\(margin)- \(element.cell(key: "").harmless())")
        } else {
          let first = lines.count
          add(element, margin: margin + "  ")
          lines[first] = margin + "- " + lines[first].dropFirst(margin.count + 2)
        }
      }
    default: lines.append(margin + value.cell(key: "").harmless())
    }
  }

  private mutating func addConditions(_ conditions: [JSONValue], now: Int64) {
    guard !conditions.isEmpty else { return }
    lines.append("Conditions:")
    var table = TextTable(["TYPE", "STATUS", "REASON", "AGE", "MESSAGE"])
    lines += table.lines(
      conditions.map { condition in
        [
          condition["type"]?.text ?? "", condition["holds"] == .bool(true) ? "true" : "false",
          condition["reason"]?.text ?? "", OperatorTime.age(condition["sinceMilliseconds"]?.number, now: now),
          condition["message"]?.text ?? "",
        ]
      }
    ).map { "  " + $0 }
  }

  private mutating func addEvents(_ events: [JSONValue], now: Int64) {
    guard !events.isEmpty else {
      lines.append("Events: none")
      return
    }
    lines.append("Events:")
    var table = TextTable(["AGE", "LEVEL", "REASON", "MESSAGE"])
    lines += table.lines(
      events.map { event in
        [OperatorTime.age(event["timeMilliseconds"]?.number, now: now)]
          + ["level", "reason", "message"].map { event[$0]?.text ?? "" }
      }
    ).map { "  " + $0 }
  }
}

extension JSONValue {
  fileprivate var isEmptyOrScalar: Bool {
    (members?.isEmpty ?? true) && (elements?.isEmpty ?? true)
  }
}

extension String {
  fileprivate func padding(to length: Int) -> String { self + String(repeating: " ", count: max(1, length - count)) }
}
