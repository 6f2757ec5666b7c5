/// Values of one type, without a shape: the shape follows from an operator's parameters.
enum Tensor: Sendable, Equatable {
  case int32([Int32])
  case int64([Int64])
  case float([Float])
  case double([Double])
  case string(TextValues)

  /// The number of values.
  var count: Int {
    switch self {
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .float(let values): values.count
    case .double(let values): values.count
    case .string(let values): values.count
    }
  }
}

/// Rows of different lengths: how many values each row has, and the values of all rows in order.
struct SparseTensor: Sendable, Equatable {
  var segments: [Int32]
  var values: [Int64]
}

/// Texts, one after the other in UTF-8.
struct TextValues: Sendable, Equatable {
  private(set) var bytes: [UInt8] = []
  private(set) var ends: [Int] = []

  init() {}

  init(_ texts: [String]) {
    for text in texts {
      bytes.append(contentsOf: text.utf8)
      ends.append(bytes.count)
    }
  }

  var count: Int { ends.count }

  /// Appends bytes that are known to be UTF-8.
  mutating func append(valid text: ArraySlice<UInt8>) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  /// The bytes of one text.
  subscript(index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

  /// All texts.
  var texts: [String] { (0..<count).map { String(decoding: self[$0], as: UTF8.self) } }

  /// Appends a text. Bytes that are not UTF-8 are replaced: clients reject a whole answer that contains any.
  mutating func append(_ text: UnsafeRawBufferPointer) {
    if text.allSatisfy({ $0 < 0x80 }) {
      bytes.append(contentsOf: text)
    } else {
      bytes.append(contentsOf: String(decoding: text, as: UTF8.self).utf8)
    }
    ends.append(bytes.count)
  }
}

/// Tensors by name, in the order in which they are sent.
struct TensorList: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  private(set) var entries: [(name: String, tensor: Tensor)] = []

  init(dictionaryLiteral elements: (String, Tensor)...) { entries = elements.map { ($0.0, $0.1) } }

  subscript(name: String) -> Tensor? {
    get { entries.last { $0.name == name }?.tensor }
    set {
      entries.removeAll { $0.name == name }
      if let newValue { entries.append((name, newValue)) }
    }
  }

  static func == (left: TensorList, right: TensorList) -> Bool {
    left.entries.elementsEqual(right.entries) { $0.name == $1.name && $0.tensor == $1.tensor }
  }
}

extension TensorList {
  /// The integers of a parameter or an input.
  /// - Throws: `LearningError` when it is missing or of another type.
  func integers(_ name: String) throws(LearningError) -> [Int64] {
    switch self[name] {
    case .int64(let values): return values
    case .int32(let values): return values.map(Int64.init)
    case nil: throw LearningError(.invalidArgument, "'\(name)' is missing")
    default: throw LearningError(.invalidArgument, "'\(name)' is not a tensor of integers")
    }
  }

  /// The first integer of a parameter; nil if it is missing.
  func integer(_ name: String, at index: Int = 0) throws(LearningError) -> Int? {
    guard self[name] != nil else { return nil }
    let values = try integers(name)
    return index < values.count ? Int(values[index]) : nil
  }

  /// A text of a parameter; nil if it is missing.
  func text(_ name: String, at index: Int = 0) throws(LearningError) -> String? {
    guard let tensor = self[name] else { return nil }
    guard case .string(let values) = tensor else {
      throw LearningError(.invalidArgument, "'\(name)' is not a tensor of strings")
    }
    return index < values.count ? String(decoding: values[index], as: UTF8.self) : nil
  }

  /// The numbers of a parameter; empty if it is missing.
  func numbers(_ name: String) throws(LearningError) -> [Double] {
    switch self[name] {
    case nil: return []
    case .float(let values): return values.map(Double.init)
    case .double(let values): return values
    default: throw LearningError(.invalidArgument, "'\(name)' is not a tensor of floats")
    }
  }
}
