import Foundation
import Objects
import Scheduling
import Testing

@Suite("Requests and allocations in the journal")
struct RecordTests {
  @Test("Records of earlier versions, whose owners are text, are read and written in the same form")
  func earlierRecords() throws {
    let request = try JSONDecoder().decode(
      ResourceRequest.self,
      from: Data(
        #"""
        {"isPreemptible": false, "members": [{"resources": {"analyticalSlots": 1, "cpuMillicores": 1000, "interactiveSlots": 0,
        "learningSlots": 0, "memoryBytes": 1024}, "selector": {}}], "membersApart": false,
        "owner": "instance/session_1/interactive-7", "placement": {"pack": {}}, "priority": 0, "sessions": 1,
        "tenant": "default"}
        """#.utf8))
    #expect(request.owner == .instance("interactive-7", of: "session_1") && request.members.count == 1)
    let allocation = Allocation(owner: .session("session_1"), placements: [])
    let text = String(decoding: try JSONEncoder().encode(allocation), as: UTF8.self)
    #expect(text.contains(#""owner":"session\/session_1""#))
    #expect(try JSONDecoder().decode(Allocation.self, from: Data(text.utf8)) == allocation)
  }

  @Test("An owner that is no reference to an object is rejected")
  func damagedOwner() {
    let text = Data(#"{"owner": "somebody", "placements": []}"#.utf8)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Allocation.self, from: text) }
  }
}
