import NIOCore
import Testing

@testable import Replay

@Suite struct TextTests {
    @Test(arguments: [
        ("localhost", "t1.localhost"),
        ("romeo@localhost/localhost", "romeo@t1.localhost/t1.localhost"),
        ("rooms.localhost", "rooms.t1.localhost"),
        ("localhosts my-localhost localhost-2", "localhosts my-localhost localhost-2"),
        ("localhost.example", "localhost.example"),
        ("On localhost.", "On t1.localhost."),
        ("to='localhost'>", "to='t1.localhost'>"),
        ("a.example.test", "a.other"),
    ])
    func domainsAreReplaced(_ text: String, _ moved: String) {
        #expect(DomainReplacement.apply(["localhost": "t1.localhost", "example.test": "other"], to: text) == moved)
    }

    @Test func replacementsAreNotReplacedAgain() {
        #expect(DomainReplacement.apply(["a": "b", "b": "a", "x.a": "y"], to: "a b x.a") == "b a y")
    }

    @Test func variablesHaveValues() throws {
        var romeo = Transcript.Role(name: "Romeo", kind: .client, line: 1)
        romeo.jid = "romeo@localhost"
        romeo.password = "r"
        var variables = Variables(roles: [romeo])
        variables.fullJIDs["Romeo"] = "romeo@localhost/o'clock"
        variables.captured["id"] = "7"
        #expect(
            try variables.substitute(in: "${Romeo's JID} ${Romeo's full JID} ${id} $ {} ${3 times <a>}")
                == "romeo@localhost romeo@localhost/o&apos;clock 7 $ {} <a><a><a>")
        #expect(try variables.substitute(in: "${Romeo's PLAIN}") == "AHJvbWVvAHI=")
        #expect(throws: Variables.MissingValue.self) { try variables.substitute(in: "${Juliet's JID}") }
    }

    @Test func rawTextHasBytes() {
        #expect(
            Array(RawText.bytes(of: "a\\x00\\xFF\\xg0\\").readableBytesView) == [0x61, 0, 0xFF] + Array("\\xg0\\".utf8))
    }

    @Test func streamsAreReadByteByByte() throws {
        let text = """
            <?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1'> \
            <message><body>a</body></message> <?xml version='1.0'?><stream:stream xmlns='jabber:client' \
            xmlns:stream='http://etherx.jabber.org/streams' id='2'><stream:features/></stream:stream>
            """
        for size in [1, 7, text.utf8.count] {
            var stream = IncomingStream()
            var events: [IncomingStream.Event] = []
            var bytes = ByteBuffer(string: text)
            while bytes.readableBytes > 0 {
                guard let piece = bytes.readSlice(length: min(size, bytes.readableBytes)) else { break }
                events += try stream.receive(piece)
            }
            let told = events.map { event in
                switch event {
                case .header(let header): "header \(header["id"] ?? "")"
                case .element(let element): element.name
                case .streamEnd: "end"
                }
            }
            #expect(told == ["header 1", "message", "header 2", "features", "end"])
        }
    }

    @Test func mailboxGivesWhatItGot() async {
        let mailbox = Mailbox()
        mailbox.put(ByteBuffer(string: "a"))
        mailbox.put(ByteBuffer(string: "b"))
        async let later: Void = Task { mailbox.end() }.value
        var text = ""
        loop: while true {
            switch await mailbox.take(within: .seconds(10)) {
            case .bytes(let bytes): text += String(buffer: bytes)
            case .end: break loop
            case .nothingInTime:
                Issue.record("the end never came")
                break loop
            }
        }
        await later
        #expect(text == "ab")
    }

    @Test func mailboxDoesNotWaitForEver() async {
        guard case .nothingInTime = await Mailbox().take(within: .milliseconds(1)) else {
            Issue.record("something came out of nothing")
            return
        }
    }
}
