import NIOCore
import Testing

@testable import XMPP

/// Children are found in every document that a parser fills anew.
@Suite struct ChildTests {
    @Test func oneDocumentAfterTheOther() throws {
        let parser = StanzaParser()
        func finds(_ content: String) throws -> Bool {
            let element = try parser.parse(ByteBuffer(string: "<message>\(content)</message>"))
            let found = element.hasChild("stanza-id", in: .stanzaIdentifiers)
            #expect((element.child("stanza-id", in: .stanzaIdentifiers) != nil) == found)
            return found
        }
        #expect(try finds("<body>a</body>") == false)
        #expect(try finds("<body>a</body><stanza-id xmlns='urn:xmpp:sid:0'/>") == true)
        #expect(try finds("<subject/><stanza-id xmlns='urn:other'/>") == false)
        #expect(try finds("<x xmlns='urn:other'><stanza-id xmlns='urn:xmpp:sid:0'/></x>") == false)
        #expect(try finds("") == false)
    }

    @Test func childrenOfChildren() throws {
        let element = try StanzaParser().parse(
            ByteBuffer(string: "<message><x xmlns='urn:other'><stanza-id xmlns='urn:xmpp:sid:0'/></x></message>"))
        #expect(element.child("x", in: "urn:other")?.hasChild("stanza-id", in: .stanzaIdentifiers) == true)
    }
}
