import NIOCore
import Testing

@testable import Replay

/// Plays against a server small enough to be written down here.
@Suite struct PlayerTests {
    private let head = """
        [Client] Romeo
        \tjid: romeo@localhost
        \tpassword: r
        \tmechanism: PLAIN
        [Client] Juliet
        \tjid: juliet@localhost
        \tpassword: j
        [Client] Stranger
        \tjid: stranger@localhost
        \tstops-at: stream
        [Component] Echo
        \tjid: echo.localhost
        \tpassword: secret
        -----
        Romeo connects
        Juliet connects

        """

    private func play(_ text: String, domains: [String: String] = [:]) async -> String? {
        do {
            let transcript = try TranscriptParser.parse(head + text, file: "t.scs")
            let player = Player(through: PostOffice(), domains: domains, patience: .seconds(10))
            try await player.play(transcript)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func stanzasPass() async {
        let failure = await play(
            """
            Romeo sends:
            \t<message to="${Juliet's full JID}"><body>Hi</body></message>
            Juliet receives:
            \t<message from="${Romeo's full JID}" to="${Juliet's full JID}"><body>Hi</body></message>
            Juliet receives: nothing
            Romeo disconnects
            Juliet sends raw:
            \t</stream:stream>
            Juliet's stream closes
            """)
        #expect(failure == nil)
    }

    @Test func timePasses() async throws {
        let office = PostOffice()
        let text = head + "Time passes: 2 minutes\nRomeo sends:\n\t<message/>\nTime passes: 1 second\n"
        try await Player(through: office).play(TranscriptParser.parse(text, file: "t.scs"))
        #expect(office.time == .seconds(121))
    }

    @Test func timeCannotPassEverywhere() async throws {
        let text = "[Client] Romeo\n\tjid: romeo@localhost\n-----\nTime passes: 1 second\n"
        let live = LiveTransport(host: "127.0.0.1", ports: [:])
        await #expect(throws: ReplayFailure.self) {
            try await Player(through: live).play(TranscriptParser.parse(text, file: "t.scs"))
        }
    }

    @Test func connectionsEnd() async {
        #expect(await play("Romeo sends raw:\n\t</stream:stream>\nRomeo's connection ends\n") == nil)
        let message = "Romeo sends:\n\t<message to=\"${Romeo's full JID}\"/>\nRomeo's connection ends\n"
        #expect(await play(message)?.contains("expected the end of the connection, received <message") == true)
    }

    @Test func nothingBeforeTheLogIn() async {
        let strangers = "Stranger connects\nStranger receives: nothing\n"
        #expect(await play(strangers)?.contains("received <stream:features") == true)
        #expect(await play("Stranger connects\nStranger receives:\n\t<stream:features/>\nStranger receives: nothing\n") == nil)
    }

    @Test func domainsAreMoved() async {
        let failure = await play(
            "Romeo sends:\n\t<message to='romeo@localhost/1' id='m'/>\nRomeo receives:\n\t<message from='romeo@moved.test/1'/>\n",
            domains: ["localhost": "moved.test"])
        #expect(failure == nil)
    }

    @Test func componentsShakeHands() async {
        let failure = await play(
            """
            Echo connects
            Romeo sends:
            \t<message to='echo.localhost' id='m'/>
            Echo receives:
            \t<message to='echo.localhost' id='m'/>
            Echo receives: nothing
            """)
        #expect(failure == nil)
    }

    @Test func nothingIsNotSomething() async {
        let failure = await play(
            "Romeo sends:\n\t<message to=\"${Juliet's full JID}\" id='m'/>\nJuliet receives: nothing\n")
        #expect(
            failure?.hasPrefix("t.scs:19: Juliet receives: nothing\n  received <message") == true, "\(failure ?? "")")
    }

    @Test func whatWasUnreadStaysInOrder() async {
        let failure = await play(
            """
            Romeo sends:
            \t<message to="${Juliet's full JID}" id='1'/>
            Romeo sends:
            \t<message to="${Juliet's full JID}" id='2'/>
            Romeo receives: nothing
            Juliet receives:
            \t<message id='1'/>
            Juliet receives:
            \t<message id='2'/>
            Juliet receives: nothing
            """)
        #expect(failure == nil)
    }

    @Test func orderMattersUnlessSaid() async {
        let sends = """
            Romeo sends:
            \t<message to="${Juliet's full JID}" id='1'/>
            Romeo sends:
            \t<presence to="${Juliet's full JID}" id='2'/>

            """
        let receives = "Juliet receives:\n\t<presence id='2'/>\nJuliet receives:\n\t<message id='1'/>\n"
        #expect(await play(sends + receives)?.contains("expected <presence") == true)
        #expect(await play(sends + "# in any order\n" + receives) == nil)
    }

    @Test func acknowledgementsArePassedOverUnlessExpected() async {
        let asks = """
            Romeo sends:
            \t<r xmlns='urn:xmpp:sm:3'/>
            Romeo sends:
            \t<message to="${Romeo's full JID}" id='1'/>

            """
        let r = "Romeo receives:\n\t<r xmlns='urn:xmpp:sm:3'/>\n"
        let a = "Romeo receives:\n\t<a xmlns='urn:xmpp:sm:3' h='0'/>\n"
        let message = "Romeo receives:\n\t<message id='1'/>\n"
        let nothing = "Romeo receives: nothing\n"
        #expect(await play(asks + message + nothing) == nil)
        #expect(await play(asks + r + a + message) == nil)
        #expect(await play(asks + "# in any order\n" + message + a + r) == nil)
        #expect(await play(asks + message + asks + message + nothing + nothing) == nil)
        #expect(await play(asks + a + message) == nil)
        #expect(await play(asks + r + r)?.contains("expected <r ") == true)
        #expect(await play(asks + a + a)?.contains("expected <a ") == true)
        #expect(await play(asks + nothing)?.contains("received <message") == true)
    }

    @Test func failuresShowBothSides() async {
        let failure = await play(
            "Romeo sends:\n\t<message to=\"${Juliet's full JID}\" type='chat' id='m'><body>Hi</body></message>\nJuliet receives:\n\t<message id='m' type='chat'><body>Ho</body></message>\n"
        )
        #expect(
            failure == """
                t.scs:19: Juliet receives:
                  expected:
                    <message id='m' type='chat'>
                      <body>Ho</body>
                    </message>
                  received:
                    <message id='m' type='chat' to='juliet@localhost/2' from='romeo@localhost/1'>
                      <body>Hi</body>
                    </message>
                  <message/> <body/>: expected the text 'Ho', received 'Hi'
                """)
    }

    @Test func streamErrorsAreExpected() async {
        #expect(await play("Romeo sends:\n\t<boo/>\nRomeo's stream closes with: unsupported-stanza-type\n") == nil)
        let other = await play("Romeo sends:\n\t<boo/>\nRomeo's stream closes with: conflict\n")
        #expect(other?.contains("expected the stream error conflict") == true)
        let none = await play("Romeo sends:\n\t<boo/>\nRomeo receives:\n\t<iq/>\n")
        #expect(none?.contains("expected <iq") == true)
    }

    @Test func wrongPasswordsFail() async {
        let transcript = "[Client] Romeo\n\tjid: romeo@localhost\n\tpassword: wrong\n-----\nRomeo connects\n"
        do {
            try await Player(through: PostOffice()).play(TranscriptParser.parse(transcript, file: "t.scs"))
            Issue.record("the wrong password was taken")
        } catch {
            #expect("\(error)".contains("not-authorized"))
        }
    }
}
