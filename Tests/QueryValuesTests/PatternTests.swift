import QueryValues
import Testing

@Suite struct PatternTests {
  @Test(
    arguments: [
      ("a.c", "abc", true), ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true), ("abc", "xabcx", false),
      (".*Ma.*", "Tim Maier", true), ("(?i)ANN", "ann", true), ("(?i:A)b", "aB", false), ("a{2,3}", "aaaa", false),
      ("a{2,}", "aaaa", true), ("(ab|c)*d", "abcabd", true), ("[^a-c]+", "xyz", true), ("[^a-c]+", "xaz", false),
      ("[]a]+", "a]", true), ("[a\\-z]+", "a-z", true), ("\\d{3}-\\w+", "123-a_9", true), ("\\Qa.b\\E+", "a.bb", true),
      ("^a$", "a", true), ("\\ba\\b", "a", true), ("a\\Bb", "ab", true), ("\\p{Lu}\\p{L}+", "Ähre", true),
      ("", "", true),
      ("a??b", "b", true), ("x*", "", true), ("(a|b|)c", "c", true), ("\\u00e9\\x41", "éA", true),
      ("[a-c&]+", "a&b", true),
      ("(?<n>a)b", "ab", true), ("\\.", ".", true), ("a|b|c", "c", true), ("(?iu)é", "É", true),
      ("é", "e\u{301}", false),
    ])
  func `Expressions match whole texts`(pattern: String, text: String, expected: Bool) throws {
    #expect(try Texts.matches(.string(text), .string(pattern)).isTrue == expected)
  }

  @Test(arguments: [
    "(", ")", "[", "a{", "*", "\\", "[z-a]", "a{3,1}", "(?<=a)b", "a(?=b)", "(a)\\1", "a++", "(?>a)", "[a&&b]",
    "\\p{Foo}", "(?x)a",
    "((a{1000}){1000}){1000}", String(repeating: "(", count: 2_000), String(repeating: "a", count: 5_000), "\\y",
  ])
  func `What is wrong, too large or not supported is rejected`(pattern: String) {
    #expect(throws: QueryError.self) { try Pattern(pattern) }
  }

  @Test func `No expression takes exponential time`() throws {
    let text = String(repeating: "a", count: 4_000)
    #expect(try !Pattern("(a*)*b").matches(text))
    #expect(try !Pattern("(a|aa)+$b").matches(text))
    #expect(try Pattern("(){20000}(a?){500}a*").matches(text))
  }

  @Test func `A part of a text is found`() throws {
    #expect(try Pattern("b+").isFound(in: "abbc"))
    #expect(try !Pattern("^b").isFound(in: "abbc"))
    #expect(try Pattern("(?m)^b$").isFound(in: "a\nb\nc"))
    #expect(try Pattern("c$").isFound(in: "ab\nc\n"))
  }
}
