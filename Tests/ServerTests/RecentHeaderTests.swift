import NIOCore
import Testing
import XMPP

@testable import Server

@Suite struct RecentHeaderTests {
    private static func header(to domain: String, _ more: String = "") -> ByteBuffer {
        ByteBuffer(
            string: "<stream:stream to='\(domain)' version='1.0' xmlns='jabber:client' "
                + "xmlns:stream='http://etherx.jabber.org/streams'\(more)>")
    }

    @Test func sameAndOtherHeaders() throws {
        var recent = RecentHeader()
        for domain in ["example.com", "example.com", "example.net", "example.com"] {
            let bytes = Self.header(to: domain)
            #expect(try recent.parse(bytes) == StreamHeader(parsing: bytes))
        }
    }

    @Test func whatIsWrongStaysWrong() throws {
        var recent = RecentHeader()
        let wrong = Self.header(to: "example.com", " to='again'")
        #expect(throws: StreamError.self) { try recent.parse(wrong) }
        #expect(throws: StreamError.self) { try recent.parse(wrong) }
        #expect(try recent.parse(Self.header(to: "example.com")).to == "example.com")
    }
}
