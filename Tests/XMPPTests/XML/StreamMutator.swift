/// Makes streams to try a parser with: realistic ones, changed at random. The same seed makes the same streams.
struct StreamMutator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A stream of the corpus with a few changes.
    mutating func stream() -> [UInt8] {
        var bytes = pick(Self.corpus)
        for _ in 0..<Int.random(in: 0...4, using: &self) { change(&bytes) }
        return bytes
    }

    /// How many bytes arrive at once.
    mutating func chunk() -> Int {
        switch next() % 4 {
        case 0: 1
        case 1: Int.random(in: 1...8, using: &self)
        case 2: Int.random(in: 1...64, using: &self)
        default: 65_536
        }
    }

    mutating func change(_ bytes: inout [UInt8]) {
        let place = place(in: bytes)
        switch next() % 10 {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &self), at: place)
        case 1: if place < bytes.count { bytes[place] = pick(Self.marks) }
        case 2: if place < bytes.count { bytes.remove(at: place) }
        case 3: bytes.removeSubrange(place..<self.place(in: bytes, from: place))
        case 4: bytes.insert(contentsOf: bytes[place..<self.place(in: bytes, from: place)], at: self.place(in: bytes))
        case 5:
            let other = pick(Self.corpus)
            let start = self.place(in: other)
            bytes.insert(contentsOf: other[start..<self.place(in: other, from: start)], at: place)
        default: bytes.insert(contentsOf: pick(Self.tokens), at: place)
        }
        if bytes.count > 8_192 { bytes.removeLast(bytes.count - 8_192) }
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int(truncatingIfNeeded: next() % UInt64(values.count))]
    }

    /// An offset, mostly one where something begins or ends.
    private mutating func place(in bytes: [UInt8], from start: Int = 0) -> Int {
        let place = Int.random(in: start...bytes.count, using: &self)
        guard next() % 3 != 0 else { return place }
        return bytes[place...].firstIndex { Self.marks.contains($0) } ?? place
    }

    private static let marks = Array("<>/'\"= :&;![]?".utf8)

    private static let tokens: [[UInt8]] =
        [
            "<a>", "</a>", "<a/>", "<p:a/>", "<b xmlns='urn:x'>", "</b>", "<message>", "</message>", "<c:message>",
            "<message xmlns='jabber:client'>", "<p:message xmlns:p='jabber:client' xmlns='urn:y'><z/></p:message>",
            "<stream:error/>", "</stream:stream>", "<iq type='get' id='1'/>", "<presence/>",
            " a='1'", " a=\"1\"", " p:a='1'", " to='x'", " from='x'", " type='chat'", " type='get'", " xml:lang='en'",
            " xml:space='preserve'", " xml:base='u'", " xmlns=''", " xmlns='jabber:client'", " xmlns='urn:x'",
            " xmlns:p='urn:p'",
            " xmlns:p='urn:q'", " xmlns:p=''", " xmlns:stream='urn:s'",
            " xmlns:xml='http://www.w3.org/XML/1998/namespace'",
            " xmlns:xml='u'", " xmlns:xmlns='u'", " xmlns:q='http://www.w3.org/XML/1998/namespace'",
            " xmlns:q='http://www.w3.org/2000/xmlns/'", " xmlns:q='jabber:client'", " xmlns:a0='urn:a&amp;&#10;b'",
            " q:k='v'", " xmlns:e='http://etherx.jabber.org/streams'", " e:k=''", " stream:k='1'", " a='>'", " a='/>'",
            " a='\n\t\r'",
            " a='&#10;&#13;&#9;'", " a='&apos;&quot;&lt;&gt;&amp;'", "&lt;", "&#60;", "&#x3C;", "&amp;amp;", "&#0;",
            "&#1;",
            "&#xD800;", "&#xFFFE;", "&#x10FFFF;", "&#x110000;", "&nbsp;", "&;", "&", "&#;", "&#x;", "&#99999999999;",
            "<![CDATA[", "]]>", "<![CDATA[<a>]]>", "<![CDATA[]]>", "]]", "<!--", "-->", "<?", "?>",
            "<?xml version='1.0'?>",
            "<?xml version='1.1'?>", "<?xml version='1.0' encoding='latin1'?>",
            "<?xml version='1.0' standalone='yes'?>",
            "<!DOCTYPE a>", "<!DOCTYPE a [<!ENTITY e 'e'>]>", "<!ELEMENT a ANY>", "\r", "\r\n", "\n", "\t", " ",
            "\u{0}", "\u{1}",
            "\u{7F}", "\u{85}", "\u{A0}", "é", "ß:", "日本", "😀", "\u{FEFF}", "\u{FFFD}", "\u{FFFE}", "\u{200B}",
            "\u{2028}",
        ].map { Array($0.utf8) } + [
            [0x80], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98],
            [0xF4, 0x90, 0x80, 0x80], [0xFF, 0xFE],
            Array(String(repeating: "<d>", count: 33).utf8), Array(String(repeating: "</d>", count: 33).utf8),
            Array((0..<40).map { " n\($0)=''" }.joined().utf8),
            Array((0..<40).map { " xmlns:n\($0)='u'" }.joined().utf8),
            Array(String(repeating: "x", count: 600).utf8),
            Array(" k='\(String(repeating: "y&amp;", count: 100))'".utf8),
        ]

    private static let header =
        "<stream:stream to='example.com' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    private static let session = """
        <iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></bind></iq>
        <presence xml:lang='en'><show>away</show><status>be right back &amp; &lt;soon&gt;</status><priority>1</priority>
        <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://psi-im.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>
        """

    /// Streams as clients open them, and some as they might.
    static let corpus: [[UInt8]] = [
        "<?xml version='1.0'?>\(header)<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth></stream:stream>",
        "\(header)\(session)</stream:stream>",
        """
        <?xml version="1.0" encoding="UTF-8" ?>
        \(header)
        <message to="romeo@example.net/orchard" type='chat' id='ktx72v49' xml:lang='de'>
          <body>Art thou not Romeo, and a Montague? é 日本 😀</body>
          <thread parent='e0ffe42b28561960c6b12b944a092794b9683a38'>0e3141cd80894871a68e6fe6b1ec56fa</thread>
        </message>
        \("  ")</stream:stream>
        """,
        """
        \(header)<message to='a@b' id='1'><body><![CDATA[<not> &a; tag]]> and ]] text</body>\
        <x xmlns='jabber:x:oob'><url>http://example.com/?a=1&amp;b=2</url></x></message><r xmlns='urn:xmpp:sm:3'/></stream:stream>
        """,
        """
        <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:p' xmlns:q='urn:q&amp;&#10;'>\
        <message p:k='1' to='x'><p:x q:y='&apos;'/><b xmlns='urn:b' xmlns:p='urn:r'><p:z/><c/></b></message></stream:stream>
        """,
        """
        <stream xmlns='http://etherx.jabber.org/streams' xmlns:c='jabber:client' version='1.0'>\
        <c:message to='x'><c:body>hi</c:body><x xmlns='urn:x'><y/></x><error/></c:message><c:presence/></stream>
        """,
        """
        <s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' xmlns:stream='urn:other'>\
        <message><stream:x/><s:y/></message><iq type='result' id="it's"/></s:stream>
        """,
        """
        \(header)<m:message xmlns:m='jabber:client' xmlns='urn:default' m:k='v'><m:body>x</m:body><z/></m:message>\
        <message stream:k='v'><stream:x/></message><stream:error><bad-format xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>
        """,
        """
        \(header)<iq type='get' id='a>b' to='x'><query xmlns='http://jabber.org/protocol/disco#info' node='\n/>'/></iq >
        <iq type='result' id='2'
           to='y'
        ><query xmlns='jabber:iq:roster'><item jid='a@b' name='&#65;&#x42;&quot;'><group>&gt;</group></item ></query></iq></stream:stream>
        """,
        """
        \(header)<message><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>\
        <message xmlns='jabber:client' to='juliet@capulet.lit/balcony'><body>Yet <b xmlns='http://www.w3.org/1999/xhtml'>I</b></body>\
        <none xmlns=''><none/></none></message></forwarded></message></stream:stream>
        """,
    ].map { Array($0.utf8) }
}
