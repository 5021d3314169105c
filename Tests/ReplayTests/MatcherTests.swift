import Testing

@testable import Replay

@Suite struct MatcherTests {
    private func differences(_ expected: String, _ received: String) throws -> [String] {
        var matcher = Matcher(content: "jabber:client")
        return matcher.differences(
            try Markup(parsing: expected, in: "jabber:client"), try Markup(parsing: received, in: "jabber:client"))
    }

    @Test(arguments: [
        // Loose in the default namespace: more attributes, more children, any order.
        (
            "<message type='chat'><body>a</body></message>",
            "<message id='1' type='chat'><thread/><body>a</body></message>"
        ),
        ("<iq><a/><b/></iq>", "<iq><b/><a/></iq>"),
        ("<message/>", "<message><body>anything</body></message>"),
        ("<message><subject/></message>", "<message><subject>any</subject></message>"),
        // Each expected child needs one of its own.
        ("<x><i/><i a='1'/></x>", "<x><i a='1'/><i b='2'/></x>"),
        // Strict elsewhere.
        ("<iq><q xmlns='u' a='1'><x/><y/></q></iq>", "<iq><q xmlns='u' a='1'><x/><y/></q></iq>"),
        ("<iq><q xmlns='u' scansion:strict='false'><y/></q></iq>", "<iq><q xmlns='u' a='1'><x/><y/></q></iq>"),
        (
            "<message><q xmlns='u'><body xmlns='jabber:client'/></q></message>",
            "<message><q xmlns='u'><body xmlns='jabber:client' id='1'/></q></message>"
        ),
        (
            "<stream:features><s xmlns='u'/></stream:features>",
            "<stream:features><r xmlns='v'/><s xmlns='u'/></stream:features>"
        ),
        // Prefixes are only a way of writing.
        ("<iq><q xmlns='u'><x/></q></iq>", "<iq><p:q xmlns:p='u'><p:x/></p:q></iq>"),
        ("<message xml:lang='en'/>", "<message xml:lang='en' to='a'/>"),
        // Any value.
        ("<iq id='{scansion:any}'><body>{scansion:any}</body></iq>", "<iq id='x'><body>y</body></iq>"),
        // White space between elements is layout, inside text it is text.
        ("<iq>\n\t<q xmlns='u'>\n\t\t<x>a b</x>\n\t</q>\n</iq>", "<iq><q xmlns='u'><x>a b</x></q></iq>"),
    ])
    func matches(_ expected: String, _ received: String) throws {
        #expect(try differences(expected, received) == [])
    }

    @Test(arguments: [
        ("<message/>", "<presence/>", "<presence"),
        ("<iq type='result'/>", "<iq type='error'/>", "expected type='result', received 'error'"),
        ("<iq id='1'/>", "<iq/>", "id='1' is missing"),
        ("<iq id='{scansion:any}'/>", "<iq/>", "is missing"),
        ("<iq scansion:strict='true'/>", "<iq id='1'/>", "id='1' is not expected"),
        ("<iq><q xmlns='u'/></iq>", "<iq><q xmlns='v'/></iq>", "<q xmlns='u'/> is missing"),
        ("<iq><q xmlns='u'/></iq>", "<iq><q xmlns='u' a='1'/></iq>", "a='1' is not expected"),
        ("<iq><q xmlns='u'><x/><y/></q></iq>", "<iq><q xmlns='u'><y/><x/></q></iq>", "expected <x"),
        ("<iq><q xmlns='u'/></iq>", "<iq><q xmlns='u'><x/></q></iq>", "<x/> is not expected"),
        ("<m><body>a</body></m>", "<m><body>b</body></m>", "expected the text 'a', received 'b'"),
        (
            "<m><subject scansion:strict='true'/></m>", "<m><subject>b</subject></m>",
            "expected the text '', received 'b'"
        ),
        ("<m><s xmlns='u'/></m>", "<m><s xmlns='u'>b</s></m>", "expected the text '', received 'b'"),
        ("<x><i/><i a='1'/></x>", "<x><i a='1'/></x>", "missing"),
    ])
    func differs(_ expected: String, _ received: String, _ words: String) throws {
        let differences = try differences(expected, received)
        #expect(differences.contains { $0.contains(words) }, "\(differences)")
    }

    @Test func valuesAreCaptured() throws {
        var matcher = Matcher(content: "jabber:client")
        let expected = try Markup(
            parsing: "<iq id='{scansion:capture:id}'><jid xmlns='u'>{scansion:capture:jid}</jid></iq>",
            in: "jabber:client")
        let received = try Markup(parsing: "<iq id='7'><jid xmlns='u'>a@b</jid></iq>", in: "jabber:client")
        #expect(matcher.differences(expected, received).isEmpty)
        #expect(matcher.captured == ["id": "7", "jid": "a@b"])
        #expect(Matcher.captures(in: expected) == ["id", "jid"])
    }

    @Test func markupIsSentWithoutLayout() throws {
        let markup = try Markup(
            parsing: "<message>\n\t<body>a\n b</body>\n\t<x xmlns='u' a='&lt;&apos;'>\n\t\t<y/>\n\t</x>\n</message>",
            in: "jabber:client")
        #expect(
            markup.serialized(inheriting: "jabber:client")
                == "<message><body>a\n b</body><x xmlns='u' a='&lt;&apos;'><y/></x></message>")
    }
}
