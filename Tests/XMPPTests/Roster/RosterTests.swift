import Testing
import XMPP

/// RFC 6121 §2.1 and §2.6, without a server.
struct RosterTests {
    private let romeo: JID
    private let juliet: JID

    init() throws {
        romeo = try JID("romeo@example.net")
        juliet = try JID("juliet@example.com")
    }

    // MARK: What makes an item

    @Test func requestMakesNoItem() {
        var roster = Roster()
        let item = RosterItem(jid: romeo, subscription: Subscription(pendingIn: true), request: [1])
        let isSeen = roster.update(item, at: 1)
        #expect(!isSeen)
        #expect(roster[romeo] != nil)
        #expect(Array(roster.items).isEmpty)
        #expect(roster.count == 0)
        #expect(roster.version == 0)
        #expect(roster.requests == [[1]])
        // §2.5.3: "an item that is not in the roster"
        let removed = roster.remove(romeo, at: 2)
        #expect(removed == nil)
        #expect(roster[romeo] != nil)
    }

    @Test func itemStaysWhenItsSubscriptionEnds() {
        var roster = Roster()
        var item = RosterItem(jid: romeo)
        item.subscription.pendingOut = true
        let isSeen = roster.update(item, at: 1)
        #expect(isSeen)
        item.subscription.pendingOut = false
        let isEndSeen = roster.update(item, at: 2)
        #expect(isEndSeen)
        #expect(roster[romeo]?.isListed == true)
    }

    @Test func refusedRequestLeavesNothing() {
        var roster = Roster()
        var item = RosterItem(jid: romeo, subscription: Subscription(pendingIn: true))
        _ = roster.update(item, at: 1)
        item.subscription.pendingIn = false
        let isSeen = roster.update(item, at: 2)
        #expect(!isSeen)
        #expect(roster[romeo] == nil)
        #expect(roster.version == 0)
    }

    @Test func changeThatIsNotSeenIsNoNewVersion() {
        var roster = Roster()
        var item = RosterItem(jid: romeo, isListed: true)
        roster.put(item, at: 1)
        let version = roster.version
        item = roster[romeo] ?? item
        item.subscription.pendingIn = true
        let isSeen = roster.update(item, at: 2)
        #expect(!isSeen)
        #expect(roster.version == version)
        #expect(roster[romeo]?.subscription.pendingIn == true)
    }

    // MARK: Versions

    @Test func versionsGrowEvenIfTimeDoesNot() {
        var roster = Roster()
        roster.put(RosterItem(jid: romeo), at: 1_000)
        #expect(roster.version == 1_000)
        roster.put(RosterItem(jid: juliet), at: 10)
        #expect(roster.version == 1_001)
        _ = roster.remove(juliet, at: 1_001)
        #expect(roster.version == 1_002)
    }

    @Test func changesSinceAKnownVersion() throws {
        var roster = Roster()
        roster.put(RosterItem(jid: romeo), at: 10)
        roster.put(RosterItem(jid: juliet), at: 20)
        let changes = try #require(roster.changes(since: 10))
        #expect(changes.map(\.contact) == [juliet])
        #expect(changes.map(\.version) == [20])
        #expect(roster.changes(since: 20)?.isEmpty == true)
    }

    @Test func onlyTheLastStateOfAnItemIsTold() throws {
        var roster = Roster()
        roster.put(RosterItem(jid: romeo), at: 10)
        roster.put(RosterItem(jid: juliet), at: 20)
        roster.put(RosterItem(jid: juliet, name: "Juliet"), at: 30)
        roster.put(RosterItem(jid: juliet, name: "J"), at: 40)
        let changes = try #require(roster.changes(since: 10))
        #expect(changes.map(\.item?.name) == ["J"])
        #expect(changes.map(\.version) == [40])
    }

    @Test func removalsAreToldOf() throws {
        var roster = Roster()
        roster.put(RosterItem(jid: juliet), at: 10)
        roster.put(RosterItem(jid: romeo), at: 20)
        _ = roster.remove(juliet, at: 30)
        let changes = try #require(roster.changes(since: 20))
        #expect(changes.map(\.contact) == [juliet])
        #expect(changes[0].item == nil)
        roster.put(RosterItem(jid: juliet), at: 40)
        #expect(roster.removals.isEmpty)
        #expect(roster.changes(since: 20)?.map(\.item?.jid) == [juliet])
    }

    @Test func versionThatWasNeverWrittenIsNotTrusted() {
        var roster = Roster()
        roster.put(RosterItem(jid: romeo), at: 10)
        let written = Roster(items: Array(roster.items), version: roster.version)
        // A push with version 20 reached a client, and then the server lost it.
        roster.put(RosterItem(jid: juliet), at: 20)
        roster = written
        #expect(roster.changes(since: 20) == nil)
        roster.put(RosterItem(jid: juliet), at: 30)
        #expect(roster.changes(since: 20) == nil)
        #expect(roster.changes(since: 10) != nil)
    }

    @Test func forgottenRemovalsAskForTheWholeRoster() throws {
        var roster = Roster()
        roster.put(RosterItem(jid: romeo), at: 1)
        for number in 0..<200 {
            let contact = try JID("user\(number)@example.com")
            roster.put(RosterItem(jid: contact), at: 10 + 2 * number)
            _ = roster.remove(contact, at: 11 + 2 * number)
        }
        #expect(roster.removals.count == 100)
        #expect(roster.changes(since: 1) == nil)
        let known = try #require(roster.removals.values.min())
        #expect(roster.changes(since: known)?.count == 99)
    }
}
