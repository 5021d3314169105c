import NIOCore
import Testing
import XMPP

@testable import Features
@testable import Server

/// What wakes a device, as a value.
@Suite struct PushRegistrationTests {
    private static let account = try! JID("romeo@localhost")
    private static let phone = try! JID("romeo@localhost/phone")
    private static let desk = try! JID("romeo@localhost/desk")

    private static func message(_ content: String, type: StanzaType = .chat, to: JID = account) throws -> PushedMessage? {
        let element = try StanzaParser().parse(ByteBuffer(string: "<message>\(content)</message>"))
        return PushedMessage(
            Stanza(kind: .message, type: type, from: try JID("juliet@localhost/x"), to: to, element: element), element,
            to: account)
    }

    private static func session(
        _ jid: JID, away: Bool = false, inactive: Bool = false, available: Bool = true, returns: Int = 0
    ) -> BoundSession {
        var session = BoundSession(handle: SessionHandle(id: 7, jid: jid, loop: 0))
        session.isAway = away
        session.isInactive = inactive
        session.returns = returns
        if available { session.presence = AvailablePresence(priority: 0, content: ByteBuffer(), language: nil) }
        return session
    }

    private static var registration: PushRegistration {
        PushRegistration(service: try! JID("push.localhost"), node: "n", options: nil, device: phone, enabled: 1)
    }

    @Test func whoIsThereIsNotWoken() throws {
        let message = try #require(try Self.message("<body>Hello</body>"))
        let cases: [([BoundSession], Bool)] = [
            ([], true), ([Self.session(Self.desk)], true), ([Self.session(Self.phone)], false),
            ([Self.session(Self.phone, away: true)], true), ([Self.session(Self.phone, inactive: true)], true),
            ([Self.session(Self.phone, available: false)], true),
            ([Self.session(Self.desk, away: true), Self.session(Self.phone)], false),
        ]
        for (sessions, wakes) in cases {
            var registration = Self.registration
            #expect((registration.received(message, sessions) != nil) == wakes, "\(sessions)")
        }
    }

    @Test func whatConcernsOneDeviceWakesNoOther() throws {
        let toDesk = try #require(try Self.message("<body>x</body><no-copy xmlns='urn:xmpp:hints'/>", to: Self.desk))
        let toPhone = try #require(
            try Self.message("<body>x</body><private xmlns='urn:xmpp:carbons:2'/>", to: Self.phone))
        let sessions = [Self.session(Self.desk), Self.session(Self.phone, away: true)]
        var registration = Self.registration
        #expect(registration.received(toDesk, sessions) == nil)
        #expect(registration.received(toPhone, sessions)?.count == 1)
    }

    @Test func whatNobodyKeepsWakesOnlyWhoWaits() throws {
        let message = try #require(try Self.message("<body>x</body><no-store xmlns='urn:xmpp:hints'/>"))
        var registration = Self.registration
        #expect(registration.received(message, []) == nil)
        #expect(registration.received(message, [Self.session(Self.phone, away: true)])?.count == 1)
    }

    @Test func messagesAreCountedUntilSomebodyComesBack() throws {
        let message = try #require(try Self.message("<body>x</body>"))
        var registration = Self.registration
        func received(_ session: BoundSession) -> Int? {
            defer { _ = registration.answered() }
            return registration.received(message, [session])?.count
        }
        #expect(received(Self.session(Self.phone, away: true)) == 1)
        #expect(received(Self.session(Self.phone, away: true)) == 2)
        #expect(received(Self.session(Self.phone, away: true, returns: 1)) == 1)
        #expect(received(Self.session(Self.phone, inactive: true, returns: 1)) == 2)
        #expect(received(Self.session(Self.phone, returns: 2)) == nil)
        #expect(received(Self.session(Self.phone, inactive: true, returns: 2)) == 1)
    }

    @Test func oneNotificationAtATime() throws {
        let message = try #require(try Self.message("<body>x</body>"))
        var registration = Self.registration
        #expect(registration.received(message, [])?.count == 1)
        #expect(registration.received(message, []) == nil)
        #expect(registration.received(message, []) == nil)
        #expect(registration.answered()?.count == 3)
        #expect(registration.answered() == nil)
        #expect(registration.received(message, [])?.count == 4)
    }

    @Test func whatIsLostIsToldOnce() throws {
        let message = try #require(try Self.message("<body>x</body>"))
        var registration = Self.registration
        #expect(registration.lost([], Self.session(Self.phone, away: true)) == nil)
        #expect(registration.lost([message, message], Self.session(Self.phone, away: true))?.count == 2)
        _ = registration.answered()
        #expect(registration.received(message, [Self.session(Self.phone, away: true)])?.count == 3)
        var inactive = Self.registration
        #expect(inactive.lost([message], Self.session(Self.phone, away: true, inactive: true)) == nil)
    }

    @Test(arguments: [
        ("<body>x</body>", StanzaType.chat, true), ("<body>x</body>", .normal, true), ("<body>x</body>", .groupchat, true),
        ("<body>x</body>", .headline, false), ("<body>x</body>", .error, false), ("<body/>", .chat, false), ("", .chat, false),
        ("<subject>x</subject>", .groupchat, false), ("<body xmlns='test:x'>x</body>", .chat, false),
        ("<openpgp xmlns='urn:xmpp:openpgp:0'/>", .chat, true), ("<x xmlns='jabber:x:encrypted'>x</x>", .chat, true),
        ("<x xmlns='http://jabber.org/protocol/muc#user'><invite/></x>", .normal, true),
        ("<x xmlns='http://jabber.org/protocol/muc#user'><decline/></x>", .normal, false),
        ("<retract xmlns='urn:xmpp:jingle-message:0' id='x'/>", .chat, false),
    ])
    func worth(content: String, type: StanzaType, isWorthIt: Bool) throws {
        #expect((try Self.message(content, type: type) != nil) == isWorthIt)
    }

    @Test func unacknowledgedCopiesCountAsTheMessagesTheyAre() throws {
        func pushed(_ text: String) throws -> PushedMessage? {
            let element = try StanzaParser().parse(ByteBuffer(string: text))
            return PushedMessage(
                unacknowledged: Stanza(kind: .message, type: .chat, from: Self.account, to: Self.phone, element: element),
                by: Self.account)
        }
        func copy(_ name: String) -> String {
            "<message from='romeo@localhost'><\(name) xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='juliet@localhost/x'><body>Hi</body></message></forwarded></\(name)></message>"
        }
        let received = try #require(try pushed(copy("received")))
        #expect(received.sender == (try JID("juliet@localhost/x")))
        #expect(received.body == "Hi")
        #expect(try pushed(copy("sent")) == nil)
        #expect(try pushed("<message><result xmlns='urn:xmpp:mam:2'/></message>") == nil)
    }
}
