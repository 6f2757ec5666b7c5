extension Resources {
  /// The largest amount that is accepted anywhere: sums over all hosts and all members of a gang stay far from overflow.
  static let largestAmount: Int64 = 1 << 46

  /// Whether no amount is negative or absurd.
  var isPlausible: Bool { isValid && fits(in: Self.most) }

  private static let most = Resources(
    cpuMillicores: largestAmount, memoryBytes: largestAmount, analyticalSlots: largestAmount,
    interactiveSlots: largestAmount, learningSlots: largestAmount)

  /// The smaller amounts of two.
  func lower(_ other: Resources) -> Resources { combined(other) { Swift.min($0, $1) } }

  /// The larger amounts of two.
  func upper(_ other: Resources) -> Resources { combined(other) { Swift.max($0, $1) } }

  /// The same with 0 for what is negative.
  var nonnegative: Resources { upper(.zero) }

  /// The same so many times.
  func times(_ count: Int64) -> Resources { combined(self) { amount, _ in amount * count } }

  @inline(__always)
  private func combined(_ other: Resources, _ operation: (Int64, Int64) -> Int64) -> Resources {
    Resources(
      cpuMillicores: operation(cpuMillicores, other.cpuMillicores),
      memoryBytes: operation(memoryBytes, other.memoryBytes),
      analyticalSlots: operation(analyticalSlots, other.analyticalSlots),
      interactiveSlots: operation(interactiveSlots, other.interactiveSlots),
      learningSlots: operation(learningSlots, other.learningSlots))
  }

  /// The largest part that an amount is of the whole's; 0 of nothing for what the whole does not have.
  func dominantPart(of whole: Resources) -> Double {
    func part(_ amount: Int64, _ all: Int64) -> Double { all > 0 ? Double(amount) / Double(all) : 0 }
    return Swift.max(
      part(cpuMillicores, whole.cpuMillicores), part(memoryBytes, whole.memoryBytes),
      part(analyticalSlots, whole.analyticalSlots), part(interactiveSlots, whole.interactiveSlots),
      part(learningSlots, whole.learningSlots))
  }

  /// The sum of many.
  static func sum(_ all: some Sequence<Resources>) -> Resources { all.reduce(.zero, +) }

  /// Amounts for people, without those that are 0.
  var sentence: String {
    var parts: [String] = []
    if cpuMillicores != 0 { parts.append(Self.cores(cpuMillicores)) }
    if memoryBytes != 0 { parts.append("\(Self.bytes(memoryBytes)) of memory") }
    for (count, kind) in [(analyticalSlots, "analytical"), (interactiveSlots, "query"), (learningSlots, "learning")]
    where count != 0 {
      parts.append("\(count) \(kind) slot\(count == 1 ? "" : "s")")
    }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }

  /// Processor time for people.
  static func cores(_ millicores: Int64) -> String {
    let thousandths = String((millicores.magnitude % 1_000) + 1_000).dropFirst()
    let rest = String(thousandths.reversed().drop { $0 == "0" }.reversed())
    let whole = "\(millicores < 0 ? "-" : "")\(millicores.magnitude / 1_000)" + (rest.isEmpty ? "" : "." + rest)
    return "\(whole) core\(whole == "1" ? "" : "s")"
  }

  /// A number of bytes for people, rounded to a tenth of its unit.
  static func bytes(_ count: Int64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var unit = 0
    var scale: UInt64 = 1
    while unit < units.count - 1, count.magnitude >= scale * 1_024 {
      unit += 1
      scale *= 1_024
    }
    let sign = count < 0 ? "-" : ""
    if count.magnitude % scale == 0 { return "\(sign)\(count.magnitude / scale) \(units[unit])" }
    let tenths = count.magnitude / scale * 10 + count.magnitude % scale * 10 / scale
    return "\(sign)\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
