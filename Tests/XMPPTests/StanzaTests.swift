import NIOCore
import Testing

@testable import XMPP

@Suite struct StanzaTests {
    static func stanza(_ text: String, root: StanzaParser.Root = .init()) throws -> Stanza {
        let element = try StanzaParser(root: root).parse(ByteBuffer(string: text))
        let kind: Stanza.Kind = element.isNamed("message") ? .message : element.isNamed("iq") ? .iq : .presence
        return Stanza(
            kind: kind, type: try #require(StanzaType(of: kind, element)), from: try JID("romeo@example.net/orchard"),
            to: try JID("juliet@example.com"), element: element)
    }

    @Test(arguments: [
        ("<message to='x' type='chat' id='1'><body>a &amp; b</body></message>",
         "<message from='romeo@example.net/orchard' to='juliet@example.com' type='chat' id='1'><body>a &amp; b</body></message>"),
        ("<presence from='forged'/>", "<presence from='romeo@example.net/orchard' to='juliet@example.com'/>"),
        ("<message type='normal'/>", "<message from='romeo@example.net/orchard' to='juliet@example.com' type='normal'/>"),
        ("<message type='unheard' xml:lang='de'></message>",
         "<message from='romeo@example.net/orchard' to='juliet@example.com' xml:lang='de'/>"),
        ("<message xmlns='jabber:client' xmlns:q='urn:q' q:k='1'><q:x/></message>",
         "<message from='romeo@example.net/orchard' to='juliet@example.com' q:k='1' xmlns:q='urn:q'><q:x/></message>"),
        ("<message tone='&lt;&#10;&apos;'/>",
         "<message from='romeo@example.net/orchard' to='juliet@example.com' tone='&lt;&#10;&apos;'/>"),
    ])
    func readdressing(received: String, sent: String) throws {
        #expect(String(buffer: try Self.stanza(received).serialized) == sent)
    }

    @Test func prefixesOfTheRootAreDeclared() throws {
        let root = StanzaParser.Root(declarations: [NamespaceDeclaration(prefix: "p", namespace: "urn:p")])
        let text = String(buffer: try Self.stanza("<message><p:x/></message>", root: root).serialized)
        #expect(text.hasSuffix("xmlns:p='urn:p'><p:x/></message>"))
    }

    @Test func contentOfAnotherDefaultNamespaceIsRewritten() throws {
        let root = StanzaParser.Root(
            content: "http://etherx.jabber.org/streams",
            declarations: [NamespaceDeclaration(prefix: "c", namespace: "jabber:client")])
        let text = String(buffer: try Self.stanza("<c:message><c:body>hi</c:body><x/></c:message>", root: root).serialized)
        #expect(text.contains("<body>hi</body><x xmlns='http://etherx.jabber.org/streams'/></message>"))
        #expect(throws: Never.self) { try StanzaParser().parse(ByteBuffer(string: text)) }
    }

    /// RFC 6120 §8.1.5
    @Test func languageOfTheStream() throws {
        var stanza = try Self.stanza("<message id='1'><body>x</body></message>")
        stanza.language = "de"
        #expect(
            String(buffer: stanza.serialized)
                == "<message from='romeo@example.net/orchard' to='juliet@example.com' id='1' xml:lang='de'><body>x</body></message>")
        #expect(stanza.element?.hasLanguage == false)
        #expect(try Self.stanza("<message xml:lang='fr'/>").element?.hasLanguage == true)
        #expect(try Self.stanza("<message lang='fr'/>").element?.hasLanguage == false)
    }

    /// RFC 6120 §8.3.1: the id of the answer is empty "if the generated stanza did not include an 'id' attribute".
    @Test func bouncingWithoutID() throws {
        let request = try Self.stanza("<iq type='get'><x xmlns='urn:x'/></iq>")
        let refused = try #require(request.bounced(StanzaError(.badRequest)))
        #expect(String(buffer: refused.serialized).contains(" id=''"))
        let message = try Self.stanza("<message/>")
        #expect(!String(buffer: try #require(message.bounced(StanzaError(.badRequest))).serialized).contains(" id="))
    }

    @Test func bouncing() throws {
        let stanza = try Self.stanza("<message type='chat' id='7'><body>x</body></message>")
        let bounced = try #require(stanza.bounced(StanzaError(.serviceUnavailable, "nobody is here")))
        #expect(
            String(buffer: bounced.serialized) == """
                <message from='juliet@example.com' to='romeo@example.net/orchard' type='error' id='7'><body>x</body>\
                <error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
                <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>nobody is here</text></error></message>
                """)
        #expect(bounced.bounced(StanzaError(.serviceUnavailable)) == nil)
    }

    @Test(arguments: ["<presence type='funny'/>", "<iq type='funny' id='1'/>", "<iq id='1'/>", "<presence type=''/>"])
    func unknownTypes(text: String) throws {
        let element = try StanzaParser().parse(ByteBuffer(string: text))
        #expect(StanzaType(of: element.isNamed("iq") ? .iq : .presence, element) == nil)
    }
}
