internal import NIOCore
internal import Storage
internal import TLS
internal import XMPP

/// Tokens with which people become members whose addresses nobody knows (XEP-0488).
struct InvitationTokens: RoomRecord {
    struct Token: Sendable, Equatable {
        let text: String
        let creator: JID
        let end: DateTime
        /// How many more times; nil: as often as one likes.
        var counter: Int?

        func isOver(at now: DateTime) -> Bool { counter == 0 || end <= now }
    }

    private(set) var all: [Token] = []

    private static let most = 100
    /// §5: "A service SHOULD also enforce a reasonable maximum value as a time or usage constraint". A month, and a week
    /// where nothing is asked for.
    private static let longest = 2_678_400
    private static let usual = 604_800
    private static let mostUses = 1_000

    init() {}

    /// - Parameter request: with the attributes `delay`, in seconds, and `counter`.
    mutating func issue(
        _ text: String, by creator: JID, _ request: Element, at now: DateTime
    ) throws(StanzaError) -> Token {
        let delay = min(try Self.number(request["delay"]) ?? Self.usual, Self.longest)
        let counter = try Self.number(request["counter"]).map { min($0, Self.mostUses) }
        guard delay > 0, counter != 0 else { throw StanzaError(.badRequest, "nobody could use the token") }
        all.removeAll { $0.isOver(at: now) }
        guard all.count < Self.most else { throw StanzaError(.resourceConstraint, "there are too many tokens") }
        let end = DateTime(milliseconds: now.milliseconds + Int64(delay) * 1_000)
        let token = Token(text: text, creator: creator, end: end, counter: counter)
        all.append(token)
        return token
    }

    private static func number(_ text: String?) throws(StanzaError) -> Int? {
        guard let text else { return nil }
        guard let number = UInt32(text) else { throw StanzaError(.badRequest, "a number is expected") }
        return Int(number)
    }

    func isGood(_ text: String, at now: DateTime) -> Bool {
        all.contains { $0.text.utf8.elementsEqual(text.utf8) && !$0.isOver(at: now) }
    }

    /// Somebody has become a member with a token.
    mutating func use(_ text: String) {
        guard let index = all.firstIndex(where: { $0.text == text }), let counter = all[index].counter else { return }
        all[index].counter = counter - 1
        if counter == 1 { all.remove(at: index) }
    }

    mutating func revoke(_ text: String) { all.removeAll { $0.text == text } }

    /// A token of somebody who is not there any more lets nobody in.
    mutating func forget(_ person: JID) { all.removeAll { $0.creator == person } }

    // MARK: Storage

    static let migrations = [
        Migration(
            name: "room-tokens-1",
            sql: [
                """
                CREATE TABLE room_tokens (
                    room TEXT NOT NULL, token TEXT NOT NULL, creator TEXT NOT NULL, ends BIGINT NOT NULL, counter BIGINT,
                    PRIMARY KEY (room, token))
                """,
                "CREATE INDEX room_tokens_creator ON room_tokens (creator)",
            ])
    ]

    static func load(_ room: JID, _ transaction: Transaction) throws -> InvitationTokens {
        var tokens = InvitationTokens()
        tokens.all = try transaction.rows(
            "SELECT token, creator, ends, counter FROM room_tokens WHERE room = $1 ORDER BY ends, token",
            [.text(room.description)]
        ) { row in
            Token(
                text: try row.text(0), creator: try JID(try row.text(1)),
                end: DateTime(milliseconds: Int64(try row.integer(2))), counter: try row.integerOrNil(3))
        }
        return tokens
    }

    func save(_ room: JID, before: InvitationTokens, _ transaction: Transaction) throws {
        guard self != before else { return }
        try Self.delete(room, transaction)
        for token in all {
            try transaction.execute(
                "INSERT INTO room_tokens (room, token, creator, ends, counter) VALUES ($1, $2, $3, $4, $5)",
                [
                    .text(room.description), .text(token.text), .text(token.creator.description),
                    .integer(Int(token.end.milliseconds)), token.counter.map { .integer($0) } ?? .null,
                ])
        }
    }

    static func delete(_ room: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM room_tokens WHERE room = $1", [.text(room.description)])
    }

    static func remove(_ person: JID, _ transaction: Transaction) throws {
        try transaction.execute("DELETE FROM room_tokens WHERE creator = $1", [.text(person.description)])
    }
}

extension Room {
    /// Where tokens mean something: not where who comes in has to know a password each time, or where anybody may.
    var hasTokens: Bool { configuration.membersOnly.isMembersOnly && !configuration.password.isRequired }

    /// Who may make members of others by inviting them (XEP-0045 §9.5); they need not be in the room.
    private func checkTokens(_ device: JID) throws(StanzaError) {
        try checkExistence(for: device)
        guard hasTokens else { throw StanzaError(.serviceUnavailable) }
        let affiliation = affiliation(of: device)
        guard affiliation >= .admin || (affiliation == .member && configuration.invitations.areOpen) else {
            throw StanzaError(.forbidden)
        }
    }

    /// §4.2, §4.3
    mutating func requestToken(
        _ request: Element, by device: JID, answer: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkTokens(device)
        unnamed += 1
        let seed = "token \(unnamed) \(now.milliseconds) \(records.tokens.all.last?.text ?? "")"
        let text = Hash.sha256.hmac(key: secret, Array(seed.utf8)).prefix(16).hexadecimal
        let token = try records.tokens.issue(text, by: device.bare, request, at: now)
        outcome.changes.areRecordsChanged = true
        var answer = answer
        var writer = XMLWriter()
        token.write(at: now, in: .invitationTokens, into: &writer)
        answer.content = writer.buffer
        outcome.send(answer)
    }

    /// §4.6: "The room MUST reply with all tokens that the participant is allowed to revoke".
    func tokens(for device: JID, at now: DateTime) throws(StanzaError) -> ByteBuffer {
        try checkTokens(device)
        var writer = XMLWriter()
        writer.element("tokens", in: .invitationTokens) { writer in
            for token in records.tokens.all where !token.isOver(at: now) && mayRevoke(token, device) {
                token.write(at: now, in: nil, into: &writer)
            }
        }
        return writer.buffer
    }

    /// §4.7
    mutating func revokeToken(
        _ element: Element, by device: JID, answer: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkTokens(device)
        guard let token = records.tokens.all.first(where: { $0.text == element.text && !$0.isOver(at: now) }),
            mayRevoke(token, device)
        else { throw StanzaError(.itemNotFound) }
        records.tokens.revoke(token.text)
        outcome.changes.areRecordsChanged = true
        outcome.send(answer)
    }

    /// §5: "It is RECOMMENDED that room moderators be able to list and revoke tokens generated by every other participant".
    private func mayRevoke(_ token: InvitationTokens.Token, _ device: JID) -> Bool {
        token.creator == device.bare || affiliation(of: device) >= .admin
    }

    /// §4.5: who has a token and no affiliation becomes a member; who is one already needs none.
    mutating func redeem(_ entrant: Entrant, at now: DateTime, _ outcome: inout RoomOutcome) throws(StanzaError) {
        guard hasTokens, !isLocked, entrant.affiliation == .none, let text = entrant.password else { return }
        guard records.tokens.isGood(text, at: now) else {
            throw StanzaError(.notAuthorized, application: ("expired-token", .invitationTokens))
        }
        records.tokens.use(text)
        outcome.changes.areRecordsChanged = true
        let step = try add(entrant.person, Affiliate(affiliation: .member), &outcome)
        tellOfAbsent(entrant.person, .member, reason: nil, isPersonTold: false, step, &outcome)
    }
}

extension InvitationTokens.Token {
    fileprivate func write(at now: DateTime, in namespace: Namespace?, into writer: inout XMLWriter) {
        let seconds = (end.milliseconds - now.milliseconds) / 1_000
        writer.element("token", in: namespace, ["delay": "\(seconds)", "counter": counter.map(String.init)]) {
            $0.text(text)
        }
    }
}

extension Namespace {
    /// XEP-0488
    static let invitationTokens: Namespace = "urn:xmpp:muc-token-invite:0"
}
