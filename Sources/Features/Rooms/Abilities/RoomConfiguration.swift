internal import XMPP

/// All that an owner has decided about a room (XEP-0045 §10.2).
struct RoomConfiguration: Sendable, Equatable {
    var description = RoomDescription()
    var logging = PublicLogging()
    var subjectChanges = SubjectChanges()
    var invitations = Invitations()
    var privateMessages = PrivateMessages()
    var occupantLimit = OccupantLimit()
    var presenceBroadcast = PresenceBroadcast()
    var memberListAccess = MemberListAccess()
    var visibility = Visibility()
    var persistence = Persistence()
    var moderation = Moderation()
    var membersOnly = MembersOnly()
    var registration = SelfRegistration()
    var password = RoomPassword()
    var anonymity = Anonymity()
    var history = HistoryLength()
    var slowMode = SlowMode()

    /// In the order in which who enters is checked.
    var abilities: [any RoomAbility] {
        [
            description, logging, subjectChanges, invitations, privateMessages, presenceBroadcast, memberListAccess,
            visibility, persistence, moderation, anonymity, history, membersOnly, registration, password, occupantLimit,
            slowMode,
        ]
    }

    static let fields: [AbilityField<RoomConfiguration>] =
        fields(\.description) + fields(\.logging) + fields(\.subjectChanges) + fields(\.invitations)
        + fields(\.privateMessages) + fields(\.occupantLimit) + fields(\.presenceBroadcast) + fields(\.memberListAccess)
        + fields(\.visibility) + fields(\.persistence) + fields(\.moderation) + fields(\.membersOnly)
        + fields(\.registration) + fields(\.password) + fields(\.anonymity) + fields(\.history) + fields(\.slowMode)

    private static func fields<Ability: RoomAbility>(
        _ path: any WritableKeyPath<RoomConfiguration, Ability> & Sendable
    ) -> [AbilityField<RoomConfiguration>] {
        Ability.fields.map { $0.lifted(path) }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0) })

    // MARK: What follows from it

    /// The role in which somebody enters; nil for those who may not.
    func initialRole(_ affiliation: RoomAffiliation) -> RoomRole? {
        .initial(affiliation, isModerated: moderation.isModerated, isMembersOnly: membersOnly.isMembersOnly)
    }

    /// Status codes for occupants when the configuration takes the place of `before` (§10.2.1).
    func codes(after before: RoomConfiguration) -> [Int] {
        var codes: [Int] = []
        var isOtherwise = false
        func compare<Ability: RoomAbility>(_ path: KeyPath<RoomConfiguration, Ability>) {
            guard self[keyPath: path] != before[keyPath: path] else { return }
            let own = self[keyPath: path].codes(after: before[keyPath: path])
            codes += own
            if own.isEmpty { isOtherwise = true }
        }
        compare(\.description)
        compare(\.logging)
        compare(\.subjectChanges)
        compare(\.invitations)
        compare(\.privateMessages)
        compare(\.occupantLimit)
        compare(\.presenceBroadcast)
        compare(\.memberListAccess)
        compare(\.visibility)
        compare(\.persistence)
        compare(\.moderation)
        compare(\.membersOnly)
        compare(\.registration)
        compare(\.password)
        compare(\.anonymity)
        compare(\.history)
        compare(\.slowMode)
        return codes + (isOtherwise ? [104] : [])
    }

    // MARK: Forms

    static let formType = "http://jabber.org/protocol/muc#roomconfig"

    /// The fields as an owner is shown them.
    var formFields: [DataForm.Field] {
        Self.fields.map { field in
            var shown = DataForm.Field(field.name, type: field.type, label: field.label, values: field.get(self))
            shown.options = field.options
            shown.labels = field.labels
            shown.minimum = field.minimum
            return shown
        }
    }

    /// Takes over what a submitted form has; what it does not have stays as it is (XEP-0004 §3.2).
    mutating func submit(_ form: DataForm) throws(StanzaError) {
        for field in form.fields { try Self.byName[field.name]?.set(&self, field.values) }
        for ability in abilities { try ability.check() }
    }

    // MARK: Storage

    /// Characters that XML forbids, and so no value has.
    private static let (fieldEnd, valueEnd): (Character, Character) = ("\u{1E}", "\u{1F}")

    /// What differs from a room that nobody has configured.
    var stored: String {
        let defaults = RoomConfiguration()
        return Self.fields.filter { $0.get(self) != $0.get(defaults) }
            .map { ([$0.name] + $0.get(self)).joined(separator: String(Self.valueEnd)) }
            .joined(separator: String(Self.fieldEnd))
    }

    init() {}

    /// What was kept; what is not known any more is passed over.
    init(stored text: String) {
        guard !text.isEmpty else { return }
        for field in text.split(separator: Self.fieldEnd) {
            let parts = field.split(separator: Self.valueEnd, omittingEmptySubsequences: false).map(String.init)
            do throws(StanzaError) {
                try Self.byName[parts[0]]?.set(&self, Array(parts.dropFirst()))
            } catch {
                continue
            }
        }
    }
}
