import NIOCore
import Testing

@testable import XMPP

@Suite struct StreamHeaderTests {
    static func parse(_ text: String) throws -> StreamHeader { try StreamHeader(parsing: ByteBuffer(string: text)) }

    @Test func readsTheHeader() throws {
        let header = try Self.parse(
            """
            <?xml version='1.0' encoding='UTF-8'?><stream:stream from='juliet@im.example.com' to='im.example.com' \
            version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:x='urn:x'>
            """)
        #expect(header.to == "im.example.com")
        #expect(header.from == "juliet@im.example.com")
        #expect(header.language == "en")
        #expect(header.versionNumber == StreamHeader.Version(major: 1, minor: 0))
        #expect(header.defaultNamespace == "jabber:client")
        #expect(header.prefix == "stream")
        #expect(header.declarations == [NamespaceDeclaration(prefix: "x", namespace: "urn:x")])
    }

    static let refused: [(String, StreamError.Condition)] = [
        ("<stream:stream xmlns='jabber:client'>", .notWellFormed),
        ("<stream:stream xmlns:stream='urn:x'>", .invalidNamespace),
        ("<stream xmlns='jabber:client'>", .invalidNamespace),
        ("<stream:flood xmlns:stream='http://etherx.jabber.org/streams'>", .badFormat),
        ("<?xml version='1.0' encoding='UTF-16'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", .unsupportedEncoding),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", .unsupportedEncoding),
        ("<?xml?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", .notWellFormed),
        ("<?php x?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", .restrictedXML),
        ("<stream:stream to='&x;' xmlns:stream='http://etherx.jabber.org/streams'>", .notWellFormed),
        ("<stream:stream a='1' a='2' xmlns:stream='http://etherx.jabber.org/streams'>", .notWellFormed),
        ("<stream:stream to=x xmlns:stream='http://etherx.jabber.org/streams'>", .notWellFormed),
    ]

    @Test(arguments: refused)
    func refusals(text: String, condition: StreamError.Condition) {
        let error = #expect(throws: StreamError.self) { try Self.parse(text) }
        #expect(error?.condition == condition, "\(text)")
    }

    /// §4.7.5: the lower of both, compared as numbers.
    @Test(arguments: [
        (" version='1.0'", "1.0"), (" version='1.7'", "1.0"), (" version='12.3'", "1.0"), (" version='0.9'", "0.9"),
        (" version='00.09'", "0.9"), (" version='x'", "1.0"), ("", nil),
    ])
    func answeredVersions(attribute: String, answer: String?) throws {
        let header = try Self.parse("<stream:stream\(attribute) xmlns:stream='http://etherx.jabber.org/streams'>")
        #expect(header.answeredVersion == answer)
    }

    /// §4.7.4: "MUST conform to the language identifier format"; what does not is not passed on.
    @Test(arguments: [
        ("en", "en"), ("de-CH", "de-CH"), ("zh-Hant-TW", "zh-Hant-TW"), ("", nil), ("e n", nil), ("en_GB", nil),
        ("en-", nil), ("123", nil), ("abcdefghi", nil), (String(repeating: "en-", count: 40) + "en", nil),
    ])
    func languages(text: String, language: String?) throws {
        let header = try Self.parse(
            "<stream:stream xml:lang='\(text)' xmlns:stream='http://etherx.jabber.org/streams'>")
        #expect(header.defaultLanguage == language)
    }

    @Test(arguments: [("1.0", 1), ("1.10", 1), ("2.0", 2), ("01.0", 1)])
    func versions(text: String, major: Int) throws {
        let header = try Self.parse(
            "<stream:stream version='\(text)' xmlns:stream='http://etherx.jabber.org/streams'>")
        #expect(header.versionNumber?.major == major)
    }

    @Test(arguments: ["", "1", "1.", "a.b", "1.0.0", "-1.0", "99999.0"])
    func brokenVersions(text: String) throws {
        let header = try Self.parse(
            "<stream:stream version='\(text)' xmlns:stream='http://etherx.jabber.org/streams'>")
        #expect(header.versionNumber == nil)
    }
}
