import Foundation
import Testing
import XMPP

@testable import Features

/// What is left of rooms when the server was killed (SIGKILL) while they were in use.
struct RoomKillTests {
    private static let hall = "hall@rooms.localhost"
    private static let den = "den@rooms.localhost"

    /// A client and all that it was told.
    private final class Person {
        let client: ManagedClient
        private(set) var heard: [Element] = []
        private var count = 0

        init(_ stage: OuterStage, _ user: Int) async throws {
            client = try await ManagedClient(stage, user, "a")
            client.hears = { [unowned self] in heard.append($0) }
            client.send("<presence/>")
        }

        func awaited(_ isMeant: (Element) -> Bool) async throws -> Element {
            for _ in 0..<2_000 {
                client.read(answers: true)
                if let index = heard.firstIndex(where: isMeant) { return heard.remove(at: index) }
                await client.ping()
            }
            throw TestClientError(description: "it was not heard, but \(heard.map(\.serialized))")
        }

        func enter(_ room: String, _ nickname: String) async throws {
            client.send("<presence to='\(room)/\(nickname)'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
            _ = try await awaited { $0["type"] == "groupchat" && $0["from"]?.hasPrefix(room) == true && $0.child("subject") != nil }
        }

        func ask(_ room: String, _ type: String, _ content: String) async throws -> Element {
            count += 1
            let id = "ask-\(count)"
            client.send("<iq type='\(type)' id='\(id)' to='\(room)'>\(content)</iq>")
            return try await awaited { $0["id"] == id }
        }

        func configure(_ room: String, _ fields: [String: String]) async throws {
            let fields = fields.map { "<field var='\($0.key)'><value>\($0.value)</value></field>" }.joined()
            let answer = try await ask(
                room, "set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\(fields)</x></query>")
            #expect(answer["type"] == "result")
        }

        func say(_ content: String, in room: String) {
            count += 1
            client.send("<message type='groupchat' id='said-\(count)' to='\(room)'>\(content)</message>")
        }

        /// Waits until the server has acknowledged a message with that content.
        func confirmed(_ content: String) async throws {
            for _ in 0..<2_000 where !client.confirmed.contains(where: { $0.contains(content) }) {
                client.ask()
                await client.ping()
                client.read(answers: true)
            }
            #expect(client.confirmed.contains { $0.contains(content) })
        }

        /// The condition with which the next message is refused.
        func refusal(in room: String) async throws -> String? {
            let id = "refused-\(count)"
            client.send("<message type='groupchat' id='\(id)' to='\(room)'><body>?</body></message>")
            return Received(element: try await awaited { $0["id"] == id }).condition
        }

        func bodies(_ room: String) -> [String] {
            heard.compactMap { element in
                element["type"] == "groupchat" && element["from"]?.hasPrefix(room) == true ? element.child("body")?.text : nil
            }
        }

        func forget() { heard = [] }
    }

    @Test func whatWasConfirmedIsThereAndNobodyIsInside() async throws {
        try await OuterStage.serveIfAsked()
        let stage = try OuterStage(test: "whatWasConfirmedIsThereAndNobodyIsInside")
        defer { stage.end() }
        let (romeo, juliet) = (try await Person(stage, 1), try await Person(stage, 2))
        try await romeo.enter(Self.hall, "Romeo")
        try await romeo.configure(
            Self.hall, ["muc#roomconfig_persistentroom": "1", "muc#roomconfig_roomname": "Hall", "muc#roomconfig_moderatedroom": "1"])
        let admin = "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='user2@localhost' affiliation='admin' nick='Juliet'/></query>"
        #expect(try await romeo.ask(Self.hall, "set", admin)["type"] == "result")
        try await juliet.enter(Self.hall, "Juliet")
        romeo.say("<subject>Names</subject>", in: Self.hall)
        for text in ["one", "two", "three"] { juliet.say("<body>\(text)</body>", in: Self.hall) }
        try await juliet.confirmed("three")
        try await romeo.confirmed("Names")
        // A temporary room, with what a room keeps elsewhere.
        try await romeo.enter(Self.den, "Romeo")
        try await romeo.configure(Self.den, [:])
        romeo.say("<body>secret</body>", in: Self.den)
        try await romeo.confirmed("secret")

        try stage.kill()
        let hall = try await stage.truth(of: Self.hall)
        #expect(hall.occupants.isEmpty && hall.nicknames.isEmpty)
        #expect(hall.affiliations == ["user1@localhost": "owner", "user2@localhost": "admin"])
        #expect(hall.subject == "Names")
        #expect(hall.archive == ["one", "two", "three"])
        for person in [romeo, juliet] {
            await person.client.readToEnd()
            person.forget()
            // XEP-0198 §5: "If the server does not recognize the 'previd'".
            try await person.client.beginAfterFailure {}
            person.client.send("<presence/>")
        }

        // Whoever goes on as if nothing had happened is told in every way.
        #expect(try await juliet.refusal(in: Self.hall) == "not-acceptable")
        let ping = try await juliet.ask("\(Self.hall)/Juliet", "get", "<ping xmlns='urn:xmpp:ping'/>")
        #expect(Received(element: ping).condition == "not-acceptable")
        juliet.client.send("<presence to='\(Self.hall)/Juliet'/>")
        let told = try await juliet.awaited { $0["from"] == "\(Self.hall)/Juliet" && $0["type"] == "unavailable" }
        let codes = told.child("x", in: .roomUser)?.children.compactMap { $0["code"] }
        #expect(codes == ["110", "307", "333"])

        let information = try await juliet.ask(Self.hall, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        let query = try #require(information.firstChild)
        #expect(query.child("identity")?["name"] == "Hall")
        #expect(query.children.contains { $0["var"] == "muc_moderated" })
        #expect(query.child("x", in: .dataForms).flatMap(DataForm.init)?["muc#roominfo_occupants"] == ["0"])
        juliet.forget()
        try await juliet.enter(Self.hall, "Juliet")
        #expect(juliet.bodies(Self.hall) == ["one", "two", "three"])
        juliet.say("<body>four</body>", in: Self.hall)
        _ = try await juliet.awaited { $0.child("body")?.text == "four" }

        // The temporary room is no more, and who makes another one finds nothing of it.
        let gone = try await romeo.ask(Self.den, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        #expect(Received(element: gone).condition == "item-not-found")
        #expect(try await romeo.refusal(in: Self.den) == "item-not-found")
        romeo.forget()
        try await romeo.enter(Self.den, "Romeo")
        try await romeo.configure(Self.den, [:])
        #expect(romeo.bodies(Self.den) == [])
        let archive = try await romeo.ask(Self.den, "set", "<query xmlns='urn:xmpp:mam:2'/>")
        #expect(archive.firstChild?.child("set", in: .resultSets)?.child("count")?.text == "0")
    }

    /// What was kept for an orderly restart is used once: a server that is killed later does not bring it back again.
    @Test func anOlderRestartIsForgotten() async throws {
        try await OuterStage.serveIfAsked()
        let stage = try OuterStage(test: "anOlderRestartIsForgotten")
        defer { stage.end() }
        let romeo = try await Person(stage, 1)
        try await romeo.enter(Self.den, "Romeo")
        try await romeo.configure(Self.den, [:])
        try await stage.restart()
        try await romeo.client.reconnect(isHalfOpen: false)
        #expect(try await stage.truth(of: Self.den).occupants == ["Romeo": "owner moderator"])
        try stage.kill()
        #expect(try await stage.truth(of: Self.den).occupants.isEmpty)
        await romeo.client.readToEnd()
        try await romeo.client.beginAfterFailure {}
        #expect(try await romeo.refusal(in: Self.den) == "item-not-found")
    }
}
