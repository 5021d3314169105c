internal import NIOCore
internal import XMPP

/// People become members by themselves, with a nickname of their own (XEP-0045 §7.10, §9.9).
struct SelfRegistration: RoomAbility {
    enum Way: String, Sendable, CaseIterable {
        /// At once, and not in rooms for members only.
        case open
        /// Admins are asked.
        case approval
        case closed
    }

    var way = Way.open

    static let formType = "http://jabber.org/protocol/muc#register"

    static let fields: [AbilityField<Self>] = [
        .choice(
            "muc#roomconfig_registration", "How do people become members?", \.way,
            [.open: "They register", .approval: "They register and admins approve", .closed: "Admins add them"])
    ]

    var features: [String] { way == .closed ? [] : [Self.formType] }

    static let form = DataForm(
        .form, formType: formType,
        [nicknameField])

    private static let nicknameField: DataForm.Field = {
        var field = DataForm.Field("muc#register_roomnick", type: "text-single", label: "Desired nickname", values: [])
        field.isRequired = true
        return field
    }()

    /// What admins are asked (§9.9).
    static func approvalForm(_ nickname: Nickname) -> DataForm {
        DataForm(
            .form, formType: formType,
            [
                DataForm.Field(
                    "muc#register_roomnick", type: "text-single", label: "Desired nickname", nickname.text),
                DataForm.Field(
                    "muc#register_allow", type: "boolean", label: "Allow this person to register with the room?", "0"),
            ])
    }
}

/// Who waits for being made a member.
struct PendingRegistrations: Sendable {
    private static let limit = 100
    private var requests: [(person: JID, nickname: Nickname)] = []

    var isEmpty: Bool { requests.isEmpty }

    /// In the order in which they were made.
    var all: [(person: JID, nickname: Nickname)] { requests }

    /// - Throws: `conflict` if somebody else waits for the nickname, `resource-constraint` if too many wait.
    mutating func add(_ person: JID, _ nickname: Nickname) throws(StanzaError) {
        if requests.contains(where: { $0.nickname.key == nickname.key && $0.person != person }) {
            throw StanzaError(.conflict)
        }
        requests.removeAll { $0.person == person }
        guard requests.count < Self.limit else { throw StanzaError(.resourceConstraint) }
        requests.append((person, nickname))
    }

    /// Takes whoever waits for a nickname.
    mutating func take(_ nickname: Nickname) -> (person: JID, nickname: Nickname)? {
        requests.firstIndex { $0.nickname.key == nickname.key }.map { requests.remove(at: $0) }
    }
}

extension Room {
    /// §7.10: what is needed to register.
    func registrationForm(for person: JID) throws(StanzaError) -> ByteBuffer {
        let affiliate = affiliates[person]
        try checkRegistration(of: person)
        var writer = XMLWriter()
        writer.element("query", in: .registration) { writer in
            if let nickname = affiliate?.nickname {
                writer.element("registered")
                writer.element("username", text: nickname.text)
            } else {
                writer.element("instructions", text: "Choose the nickname that nobody else may use in this room.")
                SelfRegistration.form.write(into: &writer)
            }
        }
        return writer.buffer
    }

    /// - Throws: `not-allowed` for who is banned, and where nobody registers.
    private func checkRegistration(of person: JID) throws(StanzaError) {
        if isLocked { throw StanzaError(.itemNotFound) }
        let affiliation = affiliation(of: person)
        guard affiliation.has(.registersWithOpenRoom) else { throw StanzaError(.notAllowed) }
        let way = configuration.registration.way
        let isPossible = way == .approval || (way == .open && !configuration.membersOnly.isMembersOnly)
        guard isPossible || affiliation >= .member else { throw StanzaError(.notAllowed) }
    }

    /// Somebody registers, or gives the nickname up.
    mutating func register(
        _ person: JID, _ query: Element, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkRegistration(of: person)
        if query.child("remove") != nil { return try unregister(person, answer: answer, &outcome) }
        guard let form = query.child("x", in: .dataForms).flatMap(DataForm.init), form.kind == .submit,
            form.formType == SelfRegistration.formType, let text = form["muc#register_roomnick"]?.first
        else { throw StanzaError(.badRequest) }
        let nickname = try Nickname(text)
        _ = try address(nickname)
        if isTaken(nickname, for: person) { throw StanzaError(.conflict) }
        let affiliation = affiliation(of: person)
        if affiliation == .none, configuration.registration.way == .approval {
            try registrations.add(person, nickname)
            outcome.send(answer)
            return askForApproval(nickname, &outcome)
        }
        outcome.send(answer)
        try becomeMember(person, nickname, &outcome)
    }

    private mutating func becomeMember(
        _ person: JID, _ nickname: Nickname, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        let before = affiliation(of: person)
        var affiliate = affiliates[person] ?? Affiliate(affiliation: .member)
        affiliate.nickname = nickname
        var version = try add(person, affiliate, &outcome)
        guard before != affiliate.affiliation else { return }
        let present = occupants(of: person)
        if present.isEmpty {
            tellOfAbsent(person, affiliate.affiliation, reason: nil, isPersonTold: false, version, &outcome)
        }
        for occupant in present {
            set(max(occupant.role, .participant), of: occupant)
            guard let member = self.occupant(occupant.nickname) else { continue }
            tellChange(of: member, before: occupant.role, actor: nil, reason: nil, version, &outcome)
            version = nil
        }
    }

    private mutating func unregister(
        _ person: JID, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard var affiliate = affiliates[person] else { throw StanzaError(.registrationRequired) }
        guard affiliate.affiliation == .member else {
            affiliate.nickname = nil
            try add(person, affiliate, &outcome)
            return outcome.send(answer)
        }
        outcome.send(answer)
        try apply(AffiliationItem(person: person, affiliation: .none), actor: nil, &outcome).tell(self, &outcome)
    }

    /// The admins who are there are asked; if none is, those who are not.
    private func askForApproval(_ nickname: Nickname, _ outcome: inout RoomOutcome) {
        let present = allOccupants.filter { affiliation(of: $0.person) >= .admin }.flatMap { $0.devices.map(\.jid) }
        let all = affiliates.filter { $0.value.affiliation >= .admin }.keys.sorted { $0.description < $1.description }
        for admin in present.isEmpty ? all : present {
            outcome.send(
                Stanza(.message, type: .normal, from: address, to: admin) {
                    SelfRegistration.approvalForm(nickname).write(into: &$0)
                })
        }
    }

    /// §9.9: the answer of an admin.
    mutating func approvalReceived(
        _ stanza: Stanza, _ form: DataForm, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard let admin = stanza.from, affiliation(of: admin) >= .admin else { throw StanzaError(.forbidden) }
        guard form.kind == .submit, let text = form["muc#register_roomnick"]?.first,
            let allowed = form["muc#register_allow"]?.first
        else { return }
        guard let request = registrations.take(try Nickname(text)) else { throw StanzaError(.itemNotFound) }
        guard allowed == "1" || allowed == "true", affiliation(of: request.person) == .none else { return }
        if isTaken(request.nickname, for: request.person) { throw StanzaError(.conflict) }
        try becomeMember(request.person, request.nickname, &outcome)
    }
}
