import Accounts
import NIOCore
import Storage
import Testing
import XMPP

@testable import Features
@testable import Server

/// Reports, and whom they are told to.
@Suite struct AbuseReportTests {
    private static let features: [any Feature.Type] = [Blocking.self, AbuseReports.self, OfflineMessages.self]

    private static func block(_ id: Int, _ items: String) -> String {
        "<iq type='set' id='b\(id)'><block xmlns='urn:xmpp:blocking'>\(items)</block></iq>"
    }

    private static func item(_ jid: String, _ reason: String = "urn:xmpp:reporting:spam", _ content: String = "") -> String {
        "<item jid='\(jid)'><report xmlns='urn:xmpp:reporting:1' reason='\(reason)'>\(content)</report></item>"
    }

    private static func kept(_ test: TestServer) async throws -> [AbuseReportStore.Kept] {
        try await test.kernel.database.read { try AbuseReportStore.list(after: 0, limit: 100, $0) }
    }

    @Test func administratorsAreTold() async throws {
        try await TestServer.run(accounts: 3, further: Self.features) { test in
            try await test.server.localAccounts(of: TestServer.domain)?.setAdministrator("user2", true)
            try await test.server.localAccounts(of: TestServer.domain)?.setAdministrator("user3", true)
            let reporter = try await test.connect(1, "a")
            let administrator = try await test.goOnline(2, "b")
            let place = "<stanza-id xmlns='urn:xmpp:sid:0' by='user1@localhost' id='28482'/>"
            reporter.send(Self.block(1, Self.item("spam@localhost", "urn:xmpp:reporting:spam", "\(place)<text>  So much!\n</text>")))
            #expect(try await reporter.next()["type"] == "result")
            let told = Received(element: try await administrator.next())
            #expect(told.from == "localhost")
            #expect(
                told.element.child("body")?.text
                    == "user1@localhost has blocked spam@localhost and reports spam.\nSo much!\nMessages: user1@localhost 28482")
            // Who is absent finds it when they come.
            let late = try await test.connect(3, "c")
            late.send("<presence/>")
            var waiting = Received(element: try await late.next())
            while waiting.kind != "message" { waiting = Received(element: try await late.next()) }
            #expect(waiting.element.child("body")?.text.contains("spam@localhost") == true)
            let kept = try await Self.kept(test)
            #expect(kept.map(\.reporter) == ["user1@localhost"])
            #expect(
                kept.first?.report
                    == AbuseReport(
                        reported: try JID("spam@localhost"), reason: "urn:xmpp:reporting:spam", text: "So much!",
                        messages: ["user1@localhost 28482"]))
        }
    }

    @Test func reportsOfBefore() async throws {
        try await TestServer.run(accounts: 1, further: Self.features) { test in
            let reporter = try await test.connect(1, "a")
            func item(_ jid: String, _ content: String) -> String {
                "<item jid='\(jid)'><report xmlns='urn:xmpp:reporting:0'>\(content)</report></item>"
            }
            let items = item("a@localhost", "<spam/><text>So much!</text>") + item("b@localhost", "<abuse/>") + item("c@localhost", "")
            reporter.send(Self.block(1, items))
            #expect(try await reporter.next()["type"] == "result")
            let kept = try await Self.kept(test).map(\.report)
            #expect(kept.map(\.reported.description) == ["a@localhost", "b@localhost"])
            #expect(kept.map(\.reason) == ["urn:xmpp:reporting:spam", "urn:xmpp:reporting:abuse"])
            #expect(kept.map(\.text) == ["So much!", ""])
        }
    }

    @Test func reportsAreBounded() async throws {
        try await TestServer.run(accounts: 2, further: Self.features) { configuration in
            configuration[AbuseReports.perDay] = 3
        } body: { test in
            let reporter = try await test.connect(1, "a")
            reporter.send(Self.block(1, Self.item("a@localhost") + Self.item("b@localhost") + Self.item("a@localhost")))
            _ = try await reporter.next()
            reporter.send(Self.block(2, Self.item("c@localhost") + Self.item("d@localhost")))
            _ = try await reporter.next()
            reporter.send("<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>")
            let list = try await reporter.next()
            #expect(list.firstChild?.children.map { $0["jid"] ?? "" } == ["a@localhost", "b@localhost", "c@localhost", "d@localhost"])
            #expect(try await Self.kept(test).map(\.report.reported.description) == ["a@localhost", "b@localhost", "c@localhost"])
            // Others have reports of their own.
            let other = try await test.connect(2, "a")
            other.send(Self.block(1, Self.item("a@localhost")))
            _ = try await other.next()
            #expect(try await Self.kept(test).count == 4)
        }
    }

    @Test func theOldestAreForgotten() async throws {
        try await TestServer.run(accounts: 1, further: Self.features) { test in
            let reporter = try JID("user1@localhost")
            try await test.kernel.database.write { transaction in
                for number in 0..<7 {
                    let report = AbuseReport(
                        reported: try JID("n\(number)@localhost"), reason: "x", text: "", messages: [])
                    try AbuseReportStore.add(report, by: reporter, at: DateTime(milliseconds: 5), keeping: 4, transaction)
                }
            }
            #expect(try await Self.kept(test).map(\.id) == [4, 5, 6, 7])
            try await test.kernel.database.write { try AbuseReports.removed(reporter, $0) }
            #expect(try await Self.kept(test).isEmpty)
        }
    }

    @Test(arguments: ["", "<report xmlns='urn:xmpp:reporting:1'/>", "<report xmlns='urn:xmpp:reporting:0' reason='x'/>"])
    func whatIsNoReport(content: String) throws {
        let request = try StanzaParser().parse(
            ByteBuffer(string: "<block xmlns='urn:xmpp:blocking'><item jid='a@localhost'>\(content)</item></block>"))
        #expect(AbuseReport.all(in: request).isEmpty)
    }

    @Test func reportsAreShort() throws {
        let places = (0..<50).map { "<stanza-id xmlns='urn:xmpp:sid:0' by='a' id='\($0)'/>" }.joined()
        let text = String(repeating: "x", count: 10_000)
        let request = try StanzaParser().parse(
            ByteBuffer(
                string: "<block xmlns='urn:xmpp:blocking'>\(Self.item("a@localhost", "x", "\(places)<text>\(text)</text>"))\(Self.item("b@localhost", text))</block>"))
        let reports = AbuseReport.all(in: request)
        #expect(reports.map(\.text.count) == [2_000])
        #expect(reports.first?.messages.count == 20)
    }
}
