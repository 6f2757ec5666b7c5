import NIOHTTP1
import Testing

@testable import QueryEndpoint

@Suite("Doors of WebSockets")
struct WebSocketDoorTests {
  @Test(
    "Web pages of other origins are not admitted, programs are",
    arguments: [
      ("/gremlin", nil, nil), ("/gremlin?a=b", nil, nil), ("/", nil, 404), ("/gremlins", nil, 404),
      ("/gremlin", "http://127.0.0.1:8182", nil), ("/gremlin", "http://evil.example", 403), ("/gremlin", "null", 403),
      ("/gremlin", "https://browser.example", nil), ("/gremlin", "http://127.0.0.1", 403),
    ] as [(String, String?, UInt?)])
  func origins(_ target: String, _ origin: String?, _ status: UInt?) {
    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: ["Host": "127.0.0.1:8182"])
    if let origin { head.headers.add(name: "Origin", value: origin) }
    #expect(Self.door(["https://browser.example"]).rejection(of: head)?.code == status)
    #expect(Self.door(["*"]).rejection(of: head)?.code == (status == 404 ? 404 : nil))
  }

  private static func door(_ origins: Set<String>) -> WebSocketDoor {
    WebSocketDoor(path: "/gremlin", origins: origins, limits: QueryEndpointLimits(), advice: "") { [] }
  }
}
