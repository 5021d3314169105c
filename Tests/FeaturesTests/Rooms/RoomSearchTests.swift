import NIOCore
import Server
import Testing
import XMPP

@testable import Features

/// XEP-0433: what is found, and in which order.
struct RoomSearchTests {
    private func query(_ fields: [String: String]) throws -> RoomSearchQuery {
        try RoomSearchQuery(DataForm(.submit, formType: RoomSearchQuery.formType, fields.map { DataForm.Field($0.key, $0.value) }))
    }

    private func room(_ address: String, _ name: String = "", _ text: String = "", occupants: Int = 0) throws -> RoomListing {
        var configuration = RoomConfiguration()
        configuration.description.name = name
        configuration.description.text = text
        return try #require(RoomListing(address, configuration, occupants: occupants))
    }

    @Test("all words are looked for, where they are to be looked for")
    func words() throws {
        let garden = try room("garden@rooms.test", "Capulet's Garden", "Below the Balcony")
        #expect(try query(["q": "GARDEN balcony"]).finds(garden))
        #expect(try query(["q": "arde"]).finds(garden))
        #expect(try !query(["q": "garden orchard"]).finds(garden))
        #expect(try !query(["q": "balcony", "sindescription": "0"]).finds(garden))
        #expect(try query(["q": "garden", "sindescription": "0", "sinname": "false"]).finds(garden))
        #expect(try !query(["q": "garden", "sinname": "0", "sinaddress": "0"]).finds(garden))
        #expect(try !query(["q": "garden", "sinname": "0", "sinaddr": "0"]).finds(garden))
        #expect(try query(["all": "1"]).finds(garden))
        #expect(try query(["all": "1", "q": ""]).finds(garden))
    }

    @Test(
        "what cannot be searched for is refused",
        arguments: [
            ([:], "no-search-conditions"), (["all": "0"], "no-search-conditions"), (["q": ""], "invalid-search-terms"),
            (["q": String(repeating: "x ", count: 17)], "invalid-search-terms"),
            (["q": "x", "all": "true"], "conflicting-fields"),
            (["q": "x", "sinname": "0", "sindescription": "0", "sinaddress": "0"], "conflicting-fields"),
            (["q": "x", "key": "beauty"], "invalid-sort-key"),
        ] as [([String: String], String)])
    func refused(fields: [String: String], condition: String) {
        #expect {
            try query(fields)
        } throws: { error in
            (error as? StanzaError)?.application.map { "\($0.name)" } == condition
        }
    }

    @Test("rooms are in the order that was asked for")
    func orders() throws {
        let rooms = try [room("b@r.test", occupants: 2), room("a@r.test", occupants: 1), room("c@r.test", occupants: 2)]
        #expect(try query(["all": "1"]).sorted(rooms).map(\.address) == ["b@r.test", "c@r.test", "a@r.test"])
        let byAddress = try query(["all": "1", "key": RoomSearchQuery.Order.address.rawValue])
        #expect(byAddress.sorted(rooms).map(\.address) == ["a@r.test", "b@r.test", "c@r.test"])
    }

    @Test("rooms that are not public are not listed")
    func hidden() {
        var configuration = RoomConfiguration()
        configuration.visibility.isPublic = false
        #expect(RoomListing("a@r.test", configuration) == nil)
    }

    @Test("nobody searches more often than is allowed, and everybody again after a minute")
    func quota() throws {
        let (romeo, juliet) = (try JID("romeo@people.test"), try JID("juliet@people.test"))
        let begin = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        let quota = SearchQuota(limit: 2, at: begin)
        try quota.take(romeo, at: begin)
        try quota.take(romeo, at: begin + .seconds(10))
        try quota.take(juliet, at: begin + .seconds(10))
        #expect {
            try quota.take(romeo, at: begin + .seconds(20))
        } throws: { error in
            let error = error as? StanzaError
            return error?.condition == .resourceConstraint && error?.kind == .wait && error?.retryAfter == 41
                && error?.application.map { "\($0.name)" } == "rate-limit"
        }
        try quota.take(romeo, at: begin + .seconds(61))
    }

    @Test("the service refuses who searches too often")
    func refusedService() async throws {
        try await TestServer.run(loops: 2, accounts: 2, further: [MultiUserChat.self]) { configuration in
            configuration[MultiUserChat.searches] = 2
        } body: { server in
            let clients = [try await server.connect(1, "a"), try await server.connect(1, "b"), try await server.connect(2, "a")]
            var conditions: [String] = []
            for client in [clients[0], clients[1], clients[0], clients[2]] {
                client.send("""
                    <iq type='get' id='s' to='rooms.localhost'><search xmlns='urn:xmpp:channel-search:0:search'>\
                    <x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>\(RoomSearchQuery.formType)</value></field>\
                    <field var='all'><value>true</value></field></x></search></iq>
                    """)
                conditions.append(Received(element: try await client.next()).condition)
            }
            #expect(conditions == ["", "", "resource-constraint", ""])
        }
    }
}
