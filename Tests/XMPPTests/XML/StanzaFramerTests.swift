import Testing

@testable import XMPP

@Suite struct StanzaFramerTests {
    static let header = "<?xml version='1.0'?>\n<stream:stream to='a>b' xmlns='jabber:client'>"
    static let stanzas = [
        "<message to='romeo@example.net'><body>a > b &lt; c</body></message>",
        "<presence/>",
        "<presence />",
        "<iq type=\"get\" id='a/'><query xmlns='x'/></iq>",
        "<message a='/>'><b c=\"'/message>\"/></message >",
        "<message><body><![CDATA[ </body> ]] > ]]]></body></message>",
        "<a><b><c/></b><b></b></a>",
    ]

    /// Feeds a text in chunks and returns the elements found, `#` for the header and `!` for the end.
    static func frames(_ chunks: [[UInt8]], maximumDepth: Int = 64) -> (frames: [String], error: StreamError?) {
        var framer = StanzaFramer(maximumDepth: maximumDepth)
        var pending: [UInt8] = []
        var scanned = 0
        var result: [String] = []
        for chunk in chunks {
            pending += chunk
            reading: while true {
                let step = pending.withUnsafeBytes { framer.scan($0, from: scanned) }
                scanned = 0
                switch step {
                case .incomplete:
                    scanned = pending.count
                    break reading
                case .blank(let end):
                    pending.removeFirst(end)
                    if pending.isEmpty { break reading }
                case .header(let end):
                    result.append("#" + String(decoding: pending[..<end], as: UTF8.self))
                    pending.removeFirst(end)
                case .element(let end):
                    result.append(String(decoding: pending[..<end], as: UTF8.self))
                    pending.removeFirst(end)
                case .streamEnd(let end):
                    result.append("!")
                    pending.removeFirst(end)
                case .refused(let error):
                    return (result, error)
                }
            }
        }
        return (result, nil)
    }

    static let text = header + stanzas.joined(separator: " \n") + "  </stream:stream>"

    @Test func wholeText() {
        let (frames, error) = Self.frames([Array(Self.text.utf8)])
        #expect(error == nil)
        #expect(frames == ["#" + Self.header] + Self.stanzas + ["!"])
    }

    @Test func byteByByte() {
        let (frames, error) = Self.frames(Self.text.utf8.map { [$0] })
        #expect(error == nil)
        #expect(frames == ["#" + Self.header] + Self.stanzas + ["!"])
    }

    @Test func everySplit() {
        let bytes = Array(Self.text.utf8)
        let expected = ["#" + Self.header] + Self.stanzas + ["!"]
        for cut in 0...bytes.count {
            #expect(Self.frames([Array(bytes[..<cut]), Array(bytes[cut...])]).frames == expected)
        }
    }

    static let refused: [(String, StreamError.Condition)] = [
        ("<!DOCTYPE x>", .restrictedXML),
        ("hello", .notWellFormed),
        ("</stream>", .notWellFormed),
        ("<?xml version='1.0'?>x", .notWellFormed),
        ("<stream:stream/>", .notWellFormed),
        ("\(header)text", .notWellFormed),
        ("\(header)\u{FEFF}<presence/>", .notWellFormed),
        ("\(header)<!-- x -->", .restrictedXML),
        ("\(header)<?php x?>", .restrictedXML),
        ("\(header)<![CDATA[x]]>", .restrictedXML),
        ("\(header)<a><!-- x --></a>", .restrictedXML),
        ("\(header)<a><?x y?></a>", .restrictedXML),
        ("\(header)<a><!DOCTYPE x></a>", .restrictedXML),
        ("\(header)<a b='<'/>", .notWellFormed),
        ("\(header)<a <b/>", .notWellFormed),
        ("\(header)<a><b><c><d/></c></b></a>", .policyViolation),
    ]

    @Test(arguments: refused)
    func refusals(text: String, condition: StreamError.Condition) {
        #expect(Self.frames([Array(text.utf8)], maximumDepth: 3).error?.condition == condition)
        #expect(Self.frames(text.utf8.map { [$0] }, maximumDepth: 3).error?.condition == condition)
    }
}
