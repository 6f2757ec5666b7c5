import Foundation
import TestSupport

/// Feeds a function with mutations of valid inputs, in a sequence that depends only on a seed. An input whose outcome was not seen
/// before joins the corpus, so that later inputs start from it.
///
/// Tests have a fixed number of inputs. For long runs, `scripts/fuzz.sh` sets variables:
///
/// | variable | meaning |
/// |---|---|
/// | `GSC_FUZZ_SECONDS` | how long each target runs, instead of the number of inputs |
/// | `GSC_FUZZ_SEED` | the seed, instead of 1 |
/// | `GSC_FUZZ_DIRECTORY` | where each target writes the input that it is about to use; what remains after a crash has caused it |
/// | `GSC_FUZZ_INPUTS` | a directory of inputs, such as a corpus of libFuzzer; each is used once, instead of mutations |
/// | `GSC_LIBFUZZER` | arguments of libFuzzer, which then chooses the inputs (see `LibFuzzer`) |
public struct Fuzzer {
  /// The name of the target; the name of its file in `GSC_FUZZ_DIRECTORY`.
  public let name: String
  private var corpus: [[UInt8]]
  private var seen: Set<String> = []
  private let words: [[UInt8]]
  private var random: SplitMix
  private let end: ContinuousClock.Instant?
  private var inputsLeft: Int
  private let file: URL?
  private var given: [URL]?
  private let libFuzzer: LibFuzzer?

  /// Maximum length of an input, in bytes.
  private static let maximumBytes = 1 << 16
  private static let maximumCorpus = 1_000
  /// An input that takes longer has found a hang, even on a slow machine.
  private static let patience = Duration.seconds(60)

  /// Creates a target.
  ///
  /// - Parameters:
  ///   - corpus: valid inputs, or nearly valid ones.
  ///   - words: parts of inputs that mutations insert, such as key words.
  ///   - inputs: the number of inputs in a test.
  public init(_ name: String, corpus: [[UInt8]], words: [[UInt8]] = [], inputs: Int = 2_000) {
    let environment = ProcessInfo.processInfo.environment
    self.name = name
    self.corpus = corpus
    self.words = words + Self.boundaries
    random = SplitMix(seed: environment["GSC_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1)
    let seconds = environment["GSC_FUZZ_SECONDS"].flatMap { Int($0) }
    end = seconds.map { ContinuousClock.now + .seconds($0) }
    inputsLeft = inputs
    file = environment["GSC_FUZZ_DIRECTORY"].map { URL(filePath: $0).appending(path: name) }
    given = environment["GSC_FUZZ_INPUTS"].map { directory in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      return names.sorted().map { URL(filePath: directory).appending(path: $0) }
    }
    libFuzzer = LibFuzzer.start(corpus: corpus)
  }

  /// Numbers at which lengths and counts change their meaning.
  private static let boundaries: [[UInt8]] = [
    [0x00], [0x7F], [0x80], [0xFF], [0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0x00, 0x00, 0x00, 0x80],
    [0xFF, 0xFF, 0xFF, 0xFF], [UInt8](repeating: 0xFF, count: 8), [0, 0, 0, 0, 0, 0, 0, 0x80],
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
  ]

  /// Returns the next input; nil at the end.
  public mutating func next() -> [UInt8]? {
    if let libFuzzer { return libFuzzer.next() }
    if given != nil { return nextGiven() }
    if let end {
      guard ContinuousClock.now < end else { return nil }
    } else {
      guard inputsLeft > 0 else { return nil }
      inputsLeft -= 1
    }
    var input = corpus.randomElement(using: &random) ?? []
    for _ in 0..<Int.random(in: 1...5, using: &random) { mutate(&input) }
    if input.count > Self.maximumBytes { input.removeSubrange(Self.maximumBytes...) }
    if let file { try? Data(input).write(to: file) }
    return input
  }

  private mutating func nextGiven() -> [UInt8]? {
    guard let file = given?.popLast() else { return nil }
    print("input \(file.path)")
    fflush(nil)
    return (try? Data(contentsOf: file)).map { Array($0) } ?? []
  }

  /// Records the outcome of an input: a description in few variants, such as the kind of an error.
  public mutating func note(_ outcome: String, of input: [UInt8]) {
    guard corpus.count < Self.maximumCorpus, seen.insert(outcome).inserted else { return }
    corpus.append(input)
  }

  /// Runs `body` with each input. It returns the outcome, and must neither crash nor hang.
  /// - Returns: The inputs that took too long.
  public mutating func run(_ body: ([UInt8]) throws -> String) rethrows -> [[UInt8]] {
    var slow: [[UInt8]] = []
    while let input = next() {
      let start = ContinuousClock.now
      note(try body(input), of: input)
      if ContinuousClock.now - start > Self.patience { slow.append(input) }
    }
    return slow
  }

  private mutating func mutate(_ input: inout [UInt8]) {
    guard !input.isEmpty else { return input += words.randomElement(using: &random)! }
    let place = Int.random(in: 0..<input.count, using: &random)
    let length = min(input.count - place, 1 << Int.random(in: 0...6, using: &random))
    switch Int.random(in: 0..<9, using: &random) {
    case 0: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: input[place] = UInt8.random(in: 0...255, using: &random)
    case 2: input.insert(contentsOf: words.randomElement(using: &random)!, at: place)
    case 3:
      let word = words.randomElement(using: &random)!
      input.replaceSubrange(place..<min(input.count, place + word.count), with: word)
    case 4: input.removeSubrange(place..<(place + length))
    case 5: input.insert(contentsOf: input[place..<(place + length)], at: place)
    case 6: input.removeSubrange(place...)
    case 7:
      // The beginning of one input and the end of another.
      let other = corpus.randomElement(using: &random)!
      input = Array(input[..<place] + other.suffix(Int.random(in: 0...other.count, using: &random)))
    default:
      let (change, sum) = (UInt8.random(in: 1...4, using: &random), Bool.random(using: &random))
      input[place] = sum ? input[place] &+ change : input[place] &- change
    }
  }
}
