import ArgumentParser
import Cluster
import Wire

/// `gscoordinator describe`: all about one object.
struct OperatorDescribe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Tells all about one object: spec, status, conditions and events.")

  @OptionGroup var object: ObjectArguments
  @Option(name: .customLong("at"), help: "As it was at this revision, without events.") var revision: Int64?
  @OptionGroup var options: OperatorOptions

  func validate() throws {
    guard try object.resolve().name != nil else { throw ValidationError("describe wants a kind and a name") }
    if let revision, revision < 0 { throw ValidationError("--at wants a revision, a whole number from 0") }
  }

  func run() async throws { try await run(options.client(), OperatorConsole()) }

  func run(_ client: OperatorClient, _ console: OperatorConsole) async throws {
    let (kind, name) = try object.resolve()
    let document = try await client.get(kind.path(name), [("revision", revision.map { String($0) })])
    var events: [JSONValue]?
    if revision == nil {
      let reference = "\(kind.rawValue)/\(name ?? "")"
      // An object is worth showing even when its events cannot be read.
      events = try? await client.get("/api/v1/events", [("object", reference), ("limit", "20")])["items"]?.elements
    }
    for line in ObjectDescription(document, events: events, now: console.now()).lines { console.write(line) }
  }
}

/// The text of `describe`.
struct ObjectDescription {
  private(set) var lines: [String] = []

  /// - Parameter events: nil when they are not known.
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
    lines.append((title + ":").padding(to: 11) + text.harmless)
  }

  private mutating func section(_ title: String, _ value: JSONValue?) {
    guard let value, value != .object([]) else { return }
    lines.append("\(title):")
    add(value, margin: "  ")
  }

  /// The lines of a value; what is nested stands further right.
  private mutating func add(_ value: JSONValue, margin: String) {
    switch value {
    case .object(let members):
      for (key, value) in members {
        let head = margin + key.harmless + ":"
        if value.isEmptyOrScalar {
          lines.append("\(head) \(value.cell(key: key).harmless)")
        } else {
          lines.append(head)
          add(value, margin: margin + "  ")
        }
      }
    case .array(let elements):
      for element in elements {
        if element.isEmptyOrScalar {
          lines.append("\(margin)- \(element.cell(key: "").harmless)")
        } else {
          let first = lines.count
          add(element, margin: margin + "  ")
          lines[first] = margin + "- " + lines[first].dropFirst(margin.count + 2)
        }
      }
    default: lines.append(margin + value.cell(key: "").harmless)
    }
  }

  private mutating func addConditions(_ conditions: [JSONValue], now: Int64) {
    guard !conditions.isEmpty else { return }
    lines.append("Conditions:")
    var table = TextTable(["TYPE", "HOLDS", "REASON", "AGE", "MESSAGE"])
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
