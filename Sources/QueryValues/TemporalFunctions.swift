/// Functions that make dates, times and durations.
enum TemporalFunctions {
  private typealias Build = @Sendable (TemporalBuilder, Value) throws(QueryError) -> Value

  static let all: [Function] =
    functions(.date, "DATE", "A date") { builder, value throws(QueryError) in try builder.date(value) }
    + functions(.localtime, "LOCAL TIME", "A time") { builder, value throws(QueryError) in try builder.localTime(value)
    }
    + functions(.time, "ZONED TIME", "A time with an offset") { builder, value throws(QueryError) in
      try builder.time(value)
    }
    + functions(.localdatetime, "LOCAL DATETIME", "A date and time") { builder, value throws(QueryError) in
      try builder.localDateTime(value)
    }
    + functions(.datetime, "ZONED DATETIME", "A date and time in a zone") { builder, value throws(QueryError) in
      try builder.dateTime(value)
    } + others

  private static let others: [Function] = [
    Function("duration", 1...1, "(input :: STRING | MAP) :: DURATION", "A duration.") {
      values, context throws(QueryError) in
      try context.builder.duration(values[0])
    },
    difference("duration.between", "Months, days and seconds between two values.", .all),
    difference("duration.inMonths", "Full months between two values.", .months),
    difference("duration.inDays", "Full days between two values.", .days),
    difference("duration.inSeconds", "Seconds between two values.", .seconds),
    Function(
      "datetime.fromEpoch", 2...2, "(seconds :: INTEGER, nanoseconds :: INTEGER) :: ZONED DATETIME",
      "The instant so long after 1970.", fromEpoch),
    Function(
      "datetime.fromEpochMillis", 1...1, "(milliseconds :: INTEGER) :: ZONED DATETIME",
      "The instant so long after 1970.",
      fromEpochMilliseconds),
  ]

  /// A constructor, the three clocks, and the truncation of a type.
  private static func functions(
    _ target: TemporalTruncation.Target, _ type: String, _ noun: String, _ build: @escaping Build
  ) -> [Function] {
    let name = target.rawValue
    let zone = "(timezone = 'Z' :: STRING) :: \(type)"
    return [
      Function(
        name, 0...1, "(input = now :: ANY) :: \(type)", "\(noun) from a text, a map or another value; without one, now."
      ) {
        values, context throws(QueryError) in
        guard let value = values.first else { return try now(.string("Z"), context.builder, build) }
        return try build(context.builder, value)
      },
      Function(name + ".transaction", 0...1, zone, "\(noun) when the transaction began.") {
        values, context throws(QueryError) in try now(values.first ?? .string("Z"), context.builder, build)
      },
      Function(name + ".statement", 0...1, zone, "\(noun) when the statement began.") {
        values, context throws(QueryError) in try now(values.first ?? .string("Z"), context.builder, build)
      },
      Function(name + ".realtime", 0...1, zone, "\(noun) at the moment of the call.") {
        values, context throws(QueryError) in try now(values.first ?? .string("Z"), context.realtimeBuilder, build)
      },
      Function(
        name + ".truncate", 1...3, "(unit :: STRING, input = now :: ANY, fields = {} :: MAP) :: \(type)",
        "\(noun) at the start of the unit."
      ) { values, context throws(QueryError) in
        let value = values.count > 1 ? values[1] : .temporal(.dateTime(context.builder.now))
        return try TemporalTruncation(target: target).truncate(values[0], value, values.count > 2 ? values[2] : .null)
      },
    ]
  }

  private static func now(_ zone: Value, _ builder: TemporalBuilder, _ build: Build) throws(QueryError) -> Value {
    if zone.isNull { return .null }
    if case .string(let text) = zone {
      return try build(builder, .temporal(.dateTime(builder.current(try TemporalParser.zone(text)))))
    }
    guard case .map = zone else { throw .wrongType("The clock", takes: "a time zone as text", not: zone) }
    return try build(builder, zone)
  }

  private static func difference(_ name: String, _ summary: String, _ units: TemporalDifference.Units) -> Function {
    Function(name, 2...2, "(from :: ANY, to :: ANY) :: DURATION", summary) { values, _ throws(QueryError) in
      try TemporalDifference.between(values[0], values[1], units)
    }
  }

  @Sendable private static func fromEpoch(_ values: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    if values.contains(where: \.isNull) { return .null }
    let map = ValueMap([("epochSeconds", values[0]), ("nanosecond", values[1])])
    return try context.builder.dateTime(.map(map))
  }

  @Sendable private static func fromEpochMilliseconds(
    _ values: [Value], _ context: FunctionContext
  ) throws(QueryError) -> Value {
    values[0].isNull ? .null : try context.builder.dateTime(.map(ValueMap([("epochMillis", values[0])])))
  }
}

extension FunctionContext {
  fileprivate var builder: TemporalBuilder { Self.builder(seconds, nanoseconds) }

  fileprivate var realtimeBuilder: TemporalBuilder {
    guard let (seconds, nanoseconds) = clock?() else { return builder }
    return Self.builder(seconds, nanoseconds)
  }

  private static func builder(_ seconds: Int64, _ nanoseconds: Int32) -> TemporalBuilder {
    TemporalBuilder(now: ZonedDateTime(seconds: seconds, nanoseconds: nanoseconds, offset: 0, zone: nil))
  }
}
