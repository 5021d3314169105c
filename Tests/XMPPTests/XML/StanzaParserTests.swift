import NIOCore
import Testing

@testable import XMPP

@Suite struct StanzaParserTests {
    @Test func readsNamesAttributesAndText() throws {
        let parser = StanzaParser()
        let element = try parser.parse(
            ByteBuffer(
                string: """
                    <message to='juliet@example.com' xml:lang='en' note='a&amp;b&#38;c &lt;&#x41;'>\
                    <body>one <b/>&amp; two</body><x xmlns='urn:x' q:k='v' xmlns:q='urn:q'><![CDATA[<z>]]></x></message>
                    """))
        #expect(element.isNamed("message", in: .client))
        #expect(element["to"] == "juliet@example.com")
        #expect(element["note"] == "a&b&c <A")
        #expect(element["lang"] == nil)
        #expect(element.language == "en")
        #expect(element.children.map(\.name) == ["body", "x"])
        #expect(element.child("body")?.text == "one & two")
        let x = try #require(element.child(in: "urn:x"))
        #expect(x.text == "<z>")
        #expect(x["k"] == nil)
        #expect(x.attributes.map(\.namespace) == ["urn:q"])
        #expect(element.child("body", in: .streams) == nil)
    }

    @Test func textOfSiblingsStaysApart() throws {
        let element = try StanzaParser().parse(ByteBuffer(string: "<a><b>1</b>2<c>3</c>4</a>"))
        #expect(element.text == "24")
        #expect(element.children.map(\.text) == ["1", "3"])
    }

    @Test func rawContentIsWhatWasReceived() throws {
        let parser = StanzaParser()
        for content in ["", "x", "<b/>", "<b >t</b >", " <b c='>'/>&lt;", "<b><c/></b>tail"] {
            let element = try parser.parse(ByteBuffer(string: "<message id='1'>\(content)</message >"))
            var buffer = ByteBuffer()
            buffer.writePieces { element.writeRawContent(into: &$0) }
            #expect(String(buffer: buffer) == content)
        }
        let empty = try parser.parse(ByteBuffer(string: "<message id='/' />"))
        var buffer = ByteBuffer()
        buffer.writePieces { empty.writeRawContent(into: &$0) }
        #expect(buffer.readableBytes == 0)
    }

    @Test func elementsMayBeKept() throws {
        let parser = StanzaParser()
        let kept = try parser.parse(ByteBuffer(string: "<message><body>first</body></message>"))
        for count in 0..<10_000 {
            _ = try parser.parse(ByteBuffer(string: "<iq id='\(count)'><unknown\(count) xmlns='urn:\(count)'/></iq>"))
        }
        #expect(kept.child("body")?.text == "first")
        #expect(kept.serialized == "<message xmlns='jabber:client'><body>first</body></message>")
    }

    @Test func serializationKeepsTheMeaning() throws {
        let parser = StanzaParser()
        let element = try parser.parse(
            ByteBuffer(string: "<p:a xmlns:p='urn:p' p:k='1' xml:lang='de'><b xmlns=''>&lt;</b><p:c/></p:a>"))
        #expect(
            element.serialized
                == "<a xmlns='urn:p' xmlns:a0='urn:p' a0:k='1' xml:lang='de'><b xmlns=''>&lt;</b><c/></a>")
        let again = try parser.parse(ByteBuffer(string: element.serialized))
        #expect(again.serialized == element.serialized)
    }

    static let refused: [(String, StreamError.Condition)] = [
        ("<a><b></a></b>", .notWellFormed),
        ("<a b='1' b='2'/>", .notWellFormed),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", .notWellFormed),
        ("<a xmlns='u' xmlns='v'/>", .notWellFormed),
        ("<p:a/>", .notWellFormed),
        ("<a p:b='1'/>", .notWellFormed),
        ("<a>&nbsp;</a>", .restrictedXML),
        ("<a b='&nbsp;'/>", .restrictedXML),
        ("<a>&#1;</a>", .notWellFormed),
        ("<a>\u{1}</a>", .notWellFormed),
        ("<a>]]></a>", .notWellFormed),
        ("<a>&</a>", .notWellFormed),
        ("<1/>", .notWellFormed),
        ("<a b=c/>", .notWellFormed),
        ("<a/><b/>", .notWellFormed),
        ("x<a/>", .notWellFormed),
        ("<a", .notWellFormed),
        ("<a>", .notWellFormed),
        ("</a>", .notWellFormed),
        ("<a><!-- x --></a>", .restrictedXML),
        ("<a><?x y?></a>", .restrictedXML),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", .notWellFormed),
        ("<a xmlns:xml='urn:x'/>", .notWellFormed),
        ("<a xmlns:p=''><p:b/></a>", .notWellFormed),
    ]

    @Test(arguments: refused)
    func refusals(text: String, condition: StreamError.Condition) throws {
        let parser = StanzaParser()
        let error = #expect(throws: StreamError.self) { try parser.parse(ByteBuffer(string: text)) }
        #expect(error?.condition == condition)
        #expect(try parser.parse(ByteBuffer(string: "<presence/>")).isNamed("presence", in: .client))
    }

    @Test(arguments: [[0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) throws {
        let parser = StanzaParser()
        let error = #expect(throws: StreamError.self) {
            try parser.parse(ByteBuffer(bytes: Array("<a>".utf8) + bytes + Array("</a>".utf8)))
        }
        #expect(error?.condition == .unsupportedEncoding)
    }

    @Test func limits() throws {
        let parser = StanzaParser()
        let limits = XMLLimits(bytes: 4_000, depth: 3, attributes: 4, unknownNames: 10)
        let many = (0..<20).map { "<n\($0)/>" }.joined()
        for text in [
            "<a>" + String(repeating: "x", count: 4_000) + "</a>",
            "<a><b><c><d/></c></b></a>",
            "<a b='1' c='2' d='3' e='4' f='5'/>",
            "<a>\(many)</a>",
        ] {
            let error = #expect(throws: StreamError.self) { try parser.parse(ByteBuffer(string: text), limits: limits) }
            #expect(error?.condition == .policyViolation)
        }
        _ = try parser.parse(ByteBuffer(string: "<a><b><c/></b></a>"), limits: limits)
    }

    @Test func namesCannotFillTheMemory() throws {
        let parser = StanzaParser()
        for round in 0..<200 {
            let names = (0..<500).map { "<n\(round)-\($0)/>" }.joined()
            let element = try parser.parse(ByteBuffer(string: "<iq>\(names)</iq>"))
            #expect(element.document.names.count < 6_000)
        }
    }

    @Test func prefixesOfTheRoot() throws {
        let parser = StanzaParser(
            root: .init(declarations: [NamespaceDeclaration(prefix: "p", namespace: "urn:p&q")]))
        let element = try parser.parse(ByteBuffer(string: "<message><p:x/></message>"))
        #expect(element.firstChild?.namespace == "urn:p&q")
    }
}
