import Testing

@testable import Replay

@Suite struct TranscriptParserTests {
    private let head = """
        # Two friends
        # needs: offline=off, limits.stanza=10 KiB
        ## slow
        [Client] Romeo
        \tjid: romeo@localhost/orchard
        \tpassword: r: o
        [Client] Romeo's phone
        \tjid: romeo@localhost
        \ttls: direct
        \tmechanism: SCRAM-SHA-256
        \tstops-at: auth
        \tport: 5223
        [Component] Echo
        \tjid: echo.localhost
        \tpassword: secret
        -----

        """

    private func parse(_ text: String) throws -> Transcript { try TranscriptParser.parse(text, file: "t.scs") }

    private func mistake(in text: String) -> TranscriptError? {
        do {
            _ = try TranscriptParser.parse(text, file: "t.scs")
            return nil
        } catch {
            return error
        }
    }

    @Test func headIsRead() throws {
        let transcript = try parse(head)
        #expect(transcript.title == "Two friends")
        #expect(transcript.tags == ["slow"])
        #expect(transcript.needs == ["offline": "off", "limits.stanza": "10 KiB"])
        #expect(transcript.roles.map(\.name) == ["Romeo", "Romeo's phone", "Echo"])
        #expect(transcript.roles[0].password == "r: o")
        #expect(transcript.roles[0].wantedResource == "orchard")
        #expect(transcript.roles[0].localpart == "romeo")
        #expect(transcript.roles[1].encryption == .direct)
        #expect(transcript.roles[1].stopsAt == .auth)
        #expect(transcript.roles[1].port == 5223)
        #expect(transcript.roles[2].kind == .component)
        #expect(transcript.accounts == ["romeo@localhost": "r: o"])
        #expect(transcript.domains == ["localhost"])
        #expect(transcript.components.keys.sorted() == ["echo.localhost"])
        #expect(transcript.needsTLS)
    }

    @Test func stepsBelongToTheLongestName() throws {
        let transcript = try parse(
            head + """
                Romeo's phone connects
                Romeo connects
                Romeo's stream closes with: conflict
                Romeo's phone's stream closes
                Romeo loses the connection
                Romeo receives: nothing
                Romeo's phone's connection ends
                """)
        #expect(transcript.steps.map(\.role) == [1, 0, 0, 1, 0, 0, 1])
        #expect(
            transcript.steps.map(\.action) == [
                .connects, .connects, .streamCloses("conflict"), .streamCloses(nil), .losesConnection, .receivesNothing,
                .connectionEnds,
            ])
        #expect(transcript.steps[0].line == 17)
    }

    @Test func timePasses() throws {
        let transcript = try parse(
            head + """
                Time passes: 90 seconds
                Time passes: 1 minute
                Time passes: 2 days
                Romeo connects
                """)
        #expect(
            transcript.steps.map(\.action) == [
                .timePasses(.seconds(90)), .timePasses(.seconds(60)), .timePasses(.seconds(172_800)), .connects,
            ])
        #expect(transcript.steps.map(\.role) == [nil, nil, nil, 0])
        #expect(transcript.needsClock)
        #expect(try !parse(head).needsClock)
    }

    @Test func textIsDedentedAndKnowsItsLine() throws {
        let transcript = try parse(
            head
                + "Romeo sends:\n\n\t<message>\n\t\t<body>Hi</body>\n\t</message>\n\n# comment\nRomeo sends raw:\n\t<a>\n\n\t </a>\n"
        )
        #expect(
            transcript.steps.map(\.action) == [
                .sends(.init(text: "<message>\n\t<body>Hi</body>\n</message>", line: 19)),
                .sendsRaw(.init(text: "<a>\n\n </a>", line: 25)),
            ])
    }

    @Test func receivesAfterTheCommentAreUnordered() throws {
        let transcript = try parse(
            head + """
                Romeo receives:
                \t<iq/>
                # in any order
                Romeo receives:
                \t<iq/>
                Romeo receives:
                \t<presence/>
                Romeo's phone receives:
                \t<presence/>
                Romeo receives:
                \t<message/>
                """)
        #expect(transcript.steps.map(\.unordered) == [nil, 1, 1, nil, nil])
    }

    @Test(arguments: [
        ("Romeo sends:\n\t<message>", 18, "well-formed"),
        ("Romeo sends:\n\t<message/><message/>", 18, "well-formed"),
        ("Romeo sends:", 17, "text must stand below"),
        ("Romeo connects\n\t<message/>", 17, "no text"),
        ("Juliet connects", 17, "no role"),
        ("Romeo dances", 17, "no action"),
        ("Romeo sends:\n\t<message to=\"${Juliet's JID}\"/>", 18, "there is no `Juliet`"),
        ("Romeo sends:\n\t<message to=\"${room}\"/>", 18, "scansion:capture:room"),
        ("Romeo's stream closes with:", 17, "which stream error"),
        ("Time passes: slowly", 17, "no time"),
        ("Time passes: -1 seconds", 17, "no time"),
        ("Time passes: 1 hour\n\t<message/>", 17, "no text"),
    ])
    func mistakesAreNamed(_ text: String, _ line: Int, _ words: String) throws {
        let error = try #require(mistake(in: head + text))
        #expect(error.line == line)
        #expect(error.reason.contains(words), "\(error)")
    }

    @Test(arguments: [
        ("[Client] Romeo\n-----\n", 1, "no jid"),
        ("[Robot] Romeo\n-----\n", 1, "[Robot]"),
        ("[Client] Romeo\n\tjid: r@localhost\n\tcolour: red\n", 3, "`colour`"),
        ("[Client] Romeo\n\tjid: r@localhost\n\ttls: maybe\n", 3, "none, starttls, direct"),
        ("[Client] Romeo\n[Client] Romeo\n", 2, "twice"),
        ("[Client] Romeo\n\tjid: r@localhost\n", 3, "dashes"),
        ("Romeo connects\n", 1, "expected"),
    ])
    func mistakesInTheHeadAreNamed(_ text: String, _ line: Int, _ words: String) throws {
        let error = try #require(mistake(in: text))
        #expect(error.line == line)
        #expect(error.reason.contains(words), "\(error)")
    }

    @Test func capturedValuesAreKnownToLaterSteps() throws {
        _ = try parse(
            head
                + "Romeo receives:\n\t<iq id='{scansion:capture:id}'/>\nRomeo sends:\n\t<iq type='result' id=\"${id}\"/>\n"
        )
    }

    @Test func everyTranscriptCanBeRead() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let files = Runner.transcripts(in: ["/\(root)/xep"])
        #expect(files.count > 100)
        for file in files {
            do {
                let transcript = try Runner.read(file)
                #expect(transcript.title != nil, "\(file) says nothing of itself")
                #expect(!transcript.steps.isEmpty)
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}
