internal import XMPP

/// What a subscriber can configure (XEP-0060 §6.3, §16.4.2).
struct SubscriptionOptions: Sendable, Equatable {
    enum Expiry: Sendable, Equatable {
        case never
        /// When the subscriber goes offline (§12.4).
        case presence
        /// A lease (§12.18).
        case at(DateTime)
    }

    var delivers = true
    var expiry = Expiry.never

    static let formType = "http://jabber.org/protocol/pubsub#subscribe_options"

    func form(_ kind: DataForm.Kind) -> DataForm {
        let isForm = kind == .form
        return DataForm(
            kind, formType: Self.formType,
            [
                DataForm.Field(
                    "pubsub#deliver", type: isForm ? "boolean" : nil,
                    label: isForm ? "Whether to receive notifications" : nil, delivers ? "1" : "0"),
                DataForm.Field(
                    "pubsub#expire", type: isForm ? "text-single" : nil,
                    label: isForm ? "When the subscription ends: a date and time, or presence" : nil,
                    values: expiryText.map { [$0] } ?? []),
            ])
    }

    /// Takes over what a submitted form has.
    mutating func submit(_ form: DataForm) throws(StanzaError) {
        guard form.formType ?? Self.formType == Self.formType else { throw .invalidOptions("another form is expected") }
        if let values = form["pubsub#deliver"] {
            guard let value = NodeConfiguration.boolean(values.first) else { throw .invalidOptions("pubsub#deliver is true or false") }
            delivers = value
        }
        if let values = form["pubsub#expire"] {
            guard let expiry = Self.expiry(values.first ?? "") else {
                throw .invalidOptions("pubsub#expire is presence, or a date and time")
            }
            self.expiry = expiry
        }
    }

    /// Whether notifications are to be sent at a time.
    func delivers(at now: DateTime) -> Bool {
        if case .at(let end) = expiry, end <= now { return false }
        return delivers
    }

    // MARK: Text

    private var expiryText: String? {
        switch expiry {
        case .never: nil
        case .presence: "presence"
        case .at(let time): time.withoutFraction
        }
    }

    private static func expiry(_ text: String) -> Expiry? {
        switch text {
        case "": .never
        case "presence": .presence
        default: DateTime(text).map { .at($0) }
        }
    }

    /// As it is kept.
    var stored: String { "\(delivers ? 1 : 0) \(expiryText ?? "")" }

    init(delivers: Bool = true, expiry: Expiry = .never) {
        self.delivers = delivers
        self.expiry = expiry
    }

    init(stored: String) {
        let parts = stored.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        self.init(delivers: parts.first != "0", expiry: parts.count == 2 ? Self.expiry(parts[1]) ?? .never : .never)
    }
}
