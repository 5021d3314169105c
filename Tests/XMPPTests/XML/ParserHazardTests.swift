import NIOCore
import Testing

@testable import XMPP

/// What libxml2's push mode accepts, keeps or reports in ways that a server cannot use as they are.
@Suite struct ParserHazardTests {
    private static func refusal(of text: String, _ parser: StanzaParser = StanzaParser()) -> StreamError.Condition? {
        do throws(StreamError) {
            _ = try parser.parse(ByteBuffer(string: text))
            return nil
        } catch {
            return error.condition
        }
    }

    // MARK: Namespaces

    /// libxml2 returns 0 for these and only reports them.
    @Test(arguments: [
        "<p:a/>", "<a p:b=''/>", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", "<a><p:b xmlns:p='u'/><p:c/></a>",
        "<a:b:c xmlns:a='u'/>",
    ])
    func namespaceErrorsAreErrors(text: String) {
        #expect(Self.refusal(of: text) == .notWellFormed)
    }

    /// libxml2 reports these too, but they are in use.
    @Test(arguments: ["vcard-temp", "a b c", "../x", "", "jabber:iq:roster", "http://[::1"])
    func namespaceNamesNeedNotBeURIs(namespace: String) throws {
        let element = try StanzaParser().parse(ByteBuffer(string: "<iq><x xmlns='\(namespace)'/></iq>"))
        #expect(element.firstChild?.namespace == namespace)
    }

    @Test func defaultNamespaceBesideAPrefixedStanza() throws {
        let element = try StanzaParser().parse(
            ByteBuffer(string: "<c:message xmlns:c='jabber:client' xmlns='urn:x'><body/></c:message>"))
        let stanza = Stanza(kind: .message, type: .normal, from: nil, to: nil, element: element)
        let again = try StanzaParser().parse(stanza.serialized)
        #expect(again.firstChild?.namespace == "urn:x")
    }

    /// A receiver's stream may have another prefix for streams, or none (RFC 7395).
    @Test func prefixOfTheStreamInContent() throws {
        let element = try StanzaParser().parse(ByteBuffer(string: "<message><stream:x/></message>"))
        let stanza = Stanza(kind: .message, type: .normal, from: nil, to: nil, element: element)
        let again = try StanzaParser(root: .init(declarations: [])).parse(stanza.serialized)
        #expect(again.firstChild?.isNamed("x", in: .streams) == true)
    }

    @Test func unusedPrefixesOfTheRootAreNotCarried() throws {
        let root = StanzaParser.Root(declarations: [NamespaceDeclaration(prefix: "p", namespace: "urn:p")])
        let element = try StanzaParser(root: root).parse(ByteBuffer(string: "<message><body/></message>"))
        let stanza = Stanza(kind: .message, type: .normal, from: nil, to: nil, element: element)
        #expect(String(buffer: stanza.serialized) == "<message><body/></message>")
    }

    @Test func namesOfTheRootAreKeptExactly() throws {
        let name = "a'b\"c<&\n\t>"
        let root = StanzaParser.Root(content: name, declarations: [NamespaceDeclaration(prefix: "p", namespace: name)])
        let element = try StanzaParser(root: root).parse(ByteBuffer(string: "<a><p:b/></a>"))
        #expect(element.namespace == name)
        #expect(element.firstChild?.namespace == name)
    }

    /// One context reads the elements of a loop for months: nothing may add up in it.
    @Test func nothingAddsUp() throws {
        let parser = StanzaParser()
        let small = ByteBuffer(string: "<a b='&amp;&#65;'>&lt;x&gt;\r\n<c xmlns='urn:c'/>&#10;</a>")
        for number in 0..<60_000 {
            let element = try parser.parse(small)
            guard element["b"] == "&A", element.text == "<x>\n\n" else {
                Issue.record("the element was read differently the \(number). time")
                return
            }
            parser.release()
        }
        // Of every size, growing and shrinking, to the last byte of the buffer that they are read from.
        for size in Array(900...1_200) + Array(2_000...2_100) + [16_000, 16_400, 40_000] {
            let text = String(repeating: "x", count: size)
            #expect(try parser.parse(ByteBuffer(string: "<a>\(text)</a>")).text == text)
            #expect(try parser.parse(small).text == "<x>\n\n")
        }
    }

    // MARK: What may not pass

    @Test(arguments: ["<a><!----></a>", "<a><?x?></a>"])
    func commentsAndInstructions(text: String) {
        #expect(Self.refusal(of: text) == .restrictedXML)
    }

    @Test(arguments: ["<!-- --><a/>", "<?x?><a/>", "<a/>x", "x<a/>", "\u{FEFF}<a/>", "<a/><a/>", "<![CDATA[x]]><a/>", "&lt;<a/>"])
    func nothingBesidesTheElement(text: String) {
        #expect(Self.refusal(of: text) == .notWellFormed)
    }

    @Test(arguments: ["<a b='<'/>", "<a b='x<c/>", "<a b=\"<a b='1'/>\"/>"])
    func openQuotesDoNotWaitForMore(text: String) {
        #expect(Self.refusal(of: text) == .notWellFormed)
    }

    @Test(arguments: [
        "&#0;", "&#1;", "&#x1F;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#99999999999;", "&#;", "&#x;", "\u{1}",
        "\u{0}", "\u{FFFF}", "]]>",
    ])
    func charactersThatXMLHasNot(text: String) {
        #expect(Self.refusal(of: "<a>\(text)</a>") == .notWellFormed)
        if text != "]]>" { #expect(Self.refusal(of: "<a b='\(text)'/>") == .notWellFormed) }
    }

    @Test func entitiesCannotBeDeclared() {
        let bomb = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'><!ENTITY y '&x;&x;&x;&x;&x;&x;'>]>"
        #expect(Self.refusal(of: "\(bomb)<a>&y;</a>") != nil)
        #expect(Self.refusal(of: "<a>\(bomb)&y;</a>") != nil)
        #expect(Self.refusal(of: "<a>&y;</a>") == .restrictedXML)
        for (text, condition) in [
            ("\(bomb)<stream>", StreamError.Condition.restrictedXML),
            ("<?xml version='1.0'?>\(bomb)<stream>", .restrictedXML),
            ("<?xml version='1.0'?> <!-- -->", .restrictedXML),
            ("<?xml version='1.0'?><?x?>", .restrictedXML), ("<?xml version='1.0'?></stream>", .notWellFormed),
        ] {
            #expect(StanzaFramerTests.frames([Array(text.utf8)]).error?.condition == condition)
        }
    }

    // MARK: Limits

    @Test func depthIsLimitedByTheParserToo() {
        let nested = String(repeating: "<a>", count: 50_000) + String(repeating: "</a>", count: 50_000)
        #expect(throws: StreamError.self) {
            try StanzaParser().parse(ByteBuffer(string: nested), limits: XMLLimits(bytes: 1 << 20))
        }
        #expect(
            StanzaFramerTests.frames([Array((StanzaFramerTests.header + nested).utf8)]).error?.condition
                == .policyViolation)
    }

    /// libxml2 compares every attribute with every other before it tells of them.
    @Test(arguments: ["a", "xmlns:a"]) func attributesAreCountedBeforeTheyAreParsed(name: String) {
        let header = Array(StanzaFramerTests.header.utf8)
        for (count, isAllowed) in [(64, true), (65, false)] {
            let attributes = (0..<count).map { " \(name)\($0)='x'" }.joined()
            #expect((StanzaFramerTests.frames([header, Array("<a\(attributes)/>".utf8)]).error == nil) == isAllowed)
            #expect((StanzaFramerTests.frames([Array("<stream\(attributes)>".utf8)]).error == nil) == isAllowed)
        }
        let several = "<a b='1'>" + String(repeating: "<c d='1' e='2'/>", count: 100) + "</a>"
        #expect(StanzaFramerTests.frames([header, Array(several.utf8)]).error == nil)
    }

    @Test func namespacesInForceAreLimited() {
        let declarations = (0..<40).map { " xmlns:p\($0)='u'" }.joined()
        let nested = String(repeating: "<a\(declarations)>", count: 20) + String(repeating: "</a>", count: 20)
        #expect(Self.refusal(of: nested) == .policyViolation)
        let siblings = "<a>" + String(repeating: "<a\(declarations)/>", count: 20) + "</a>"
        #expect(Self.refusal(of: siblings) == nil)
    }

    @Test func declarationsOnTheRootAreLimited() {
        let text =
            "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns:x='\(String(repeating: "x", count: 1_024))'>"
        let error = #expect(throws: StreamError.self) { try StreamHeader(parsing: ByteBuffer(string: text)) }
        #expect(error?.condition == .policyViolation)
    }

    /// A full dictionary refuses names, whoever uses them.
    @Test func longNamesDoNotFillTheDictionary() throws {
        let parser = StanzaParser()
        for count in 0..<2_000 {
            let name = "n\(count)" + String(repeating: "x", count: 12_000)
            let element = try parser.parse(ByteBuffer(string: "<\(name)/>"))
            #expect(element.document.names.bytes < 1 << 20)
        }
    }

    @Test func errorsDoNotReachTheNextElement() throws {
        let parser = StanzaParser()
        for text in [
            "<a>", "<p:a/>", "<a>&x;</a>", "<a b='1' b='1'/>", "<!-- -->", "<a>\u{1}</a>", "</stream>",
            "</stream><stream>",
        ] {
            #expect(Self.refusal(of: text, parser) != nil)
            #expect(
                try parser.parse(ByteBuffer(string: "<message><body>x</body></message>")).child("body")?.text == "x")
        }
    }

    // MARK: Sizes and offsets

    static let wide = String(repeating: "é日😀 &amp; <![CDATA[<x>]]>", count: 7_000)

    /// Around the sizes at which libxml2 moves its input, and the context is replaced.
    @Test(arguments: [1, 79, 80, 81, 255, 4_000, 4_096, 16_383, 16_384, 16_385, 200_000])
    func contentOfAnySize(size: Int) throws {
        let parser = StanzaParser()
        for content in [
            String(repeating: "x", count: size), "<b c='\(String(repeating: ">\n", count: size / 2))'/>",
            "<b\(String(repeating: " ", count: size))>y</b\(String(repeating: "\n", count: size))>",
            String(Self.wide.prefix(size / 16 * 16)) + "<b/>", String(repeating: "&lt;", count: size / 4),
        ] {
            for text in [
                "<message to='\(String(repeating: "t", count: 90))'>\(content)</message>",
                "<message>\(content)</message  >",
            ] {
                guard text.utf8.count < 262_144, !content.contains("<![CDATA[<") || content.hasSuffix("]]><b/>") else {
                    continue
                }
                let element = try parser.parse(ByteBuffer(string: text))
                var raw = ByteBuffer()
                raw.writePieces { element.writeRawContent(into: &$0) }
                #expect(String(buffer: raw) == content)
                let whole = try #require(WholeDocument(Array("<s xmlns='jabber:client'>\(text)</s>".utf8)))
                #expect(CanonicalXML(element) == CanonicalXML(whole.elements[0]))
            }
        }
    }

    @Test func offsetsStayRightOnALongLivedContext() throws {
        let parser = StanzaParser()
        let text = "<message id='1'>" + String(repeating: "<b c='d'>text &amp; more</b>", count: 500) + "</message>"
        #expect(text.utf8.count < 16_384)
        let bytes = ByteBuffer(string: text)
        for _ in 0..<150 { _ = try parser.parse(bytes) }
        let element = try parser.parse(ByteBuffer(string: "<message a='>'><b/>tail</message>"))
        var raw = ByteBuffer()
        raw.writePieces { element.writeRawContent(into: &$0) }
        #expect(String(buffer: raw) == "<b/>tail")
        #expect(element.size == 33)
    }

    /// The counters that guard against entity bombs count references for the life of a context.
    @Test func manyReferencesAreNoBomb() throws {
        let parser = StanzaParser()
        let bytes = ByteBuffer(
            string: "<a b='\(String(repeating: "&amp;", count: 1_000))'>\(String(repeating: "&lt;", count: 2_000))</a>")
        for _ in 0..<100 { #expect(try parser.parse(bytes).text.utf8.count == 2_000) }
    }

    /// libxml2 leaves the line ends of CDATA sections as they are when it is fed.
    @Test(arguments: [
        ("a\r\nb", "a\nb"), ("\r", "\n"), ("\r\r\n", "\n\n"), ("\r\n", "\n"), ("\n\r", "\n\n"), ("a\rb", "a\nb"),
    ])
    func lineEnds(text: String, lines: String) throws {
        let element = try StanzaParser().parse(
            ByteBuffer(string: "<a><b>\(text)</b><b><![CDATA[\(text)]]></b><b c='\(text)'/></a>"))
        #expect(element.children.map(\.text) == [lines, lines, ""])
        #expect(element.children.compactMap { $0["c"] } == [lines.replacing("\n", with: " ")])
    }

    // MARK: Elements that are kept

    @Test func elementsKeptWhileTheParserGoesOn() throws {
        let parser = StanzaParser()
        var kept: [(element: Element, text: String)] = []
        for count in 0..<300 {
            // Every tenth is large enough for the context to be replaced, every seventh is an error.
            let body = count % 10 == 0 ? String(repeating: "\(count)", count: 6_000) : "\(count)"
            let text = "<message><n\(count) xmlns='urn:\(count)' a='\(count)'>\(body)</n\(count)></message>"
            kept.append((try parser.parse(ByteBuffer(string: text)), text))
            parser.release()
            if count % 7 == 0 {
                #expect(throws: StreamError.self) { try parser.parse(ByteBuffer(string: "<x>&x;</x>")) }
            }
        }
        for (element, text) in kept {
            #expect(element.serialized == text.replacing("<message>", with: "<message xmlns='jabber:client'>"))
            var raw = ByteBuffer()
            raw.writePieces { element.writeRawContent(into: &$0) }
            #expect("<message>\(String(buffer: raw))</message>" == text)
        }
    }

    @Test func elementsOutliveTheirParser() throws {
        let element = try { try StanzaParser().parse(ByteBuffer(string: "<iq><q xmlns='urn:q'>x</q></iq>")) }()
        #expect(element.serialized == "<iq xmlns='jabber:client'><q xmlns='urn:q'>x</q></iq>")
    }
}
