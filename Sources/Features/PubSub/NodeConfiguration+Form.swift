internal import XMPP

/// The configuration as a form (XEP-0060 §8.2, §16.4.4), and as it is kept.
extension NodeConfiguration {
    /// One field of the form: how it is shown, and what its values do.
    struct Field: Sendable {
        let name: String
        let type: String
        let label: String
        var options: [String] = []
        let get: @Sendable (NodeConfiguration) -> [String]
        let set: @Sendable (inout NodeConfiguration, [String], PubSubLimits) throws(StanzaError) -> Void
    }

    static let fields: [Field] = [
        text("title", "A friendly name for the node", \.title),
        text("description", "A description of the node", \.description),
        text("language", "The default language of the node", \.language),
        text("type", "The namespace of the payloads", \.type),
        Field(
            name: "pubsub#contact", type: "jid-multi", label: "The JIDs of those to contact with questions",
            get: \.contacts, set: { configuration, values, _ in configuration.contacts = values }),
        Field(
            name: "pubsub#access_model", type: "list-single", label: "Who may subscribe and retrieve items",
            options: AccessModel.allCases.map(\.rawValue), get: { [$0.accessModel.rawValue] },
            set: { (configuration, values, _) throws(StanzaError) in
                guard let model = values.first.flatMap(AccessModel.init(rawValue:)) else { throw .unsupportedAccessModel }
                configuration.accessModel = model
            }),
        Field(
            name: "pubsub#roster_groups_allowed", type: "list-multi",
            label: "The roster groups allowed to subscribe and retrieve items", get: \.rosterGroups,
            set: { configuration, values, _ in configuration.rosterGroups = values }),
        choice("publish_model", "Who may publish", \.publishModel),
        boolean("persist_items", "Whether to persist items to storage", \.persistItems),
        amount("max_items", "The maximum number of items to persist", \.maxItems) { $0.itemsPerNode },
        amount("item_expire", "Number of seconds after which to automatically purge items", \.itemExpire) { _ in
            Int(Int32.max)
        },
        choice("publish_node_full", "What to do when the node is full", \.whenFull),
        Field(
            name: "pubsub#max_payload_size", type: "text-single", label: "The maximum payload size in bytes",
            get: { ["\($0.maxPayloadSize)"] },
            set: { (configuration, values, limits) throws(StanzaError) in
                guard let size = values.first.flatMap({ Int($0) }), (1...limits.payloadSize).contains(size) else {
                    throw StanzaError(.notAcceptable, "a payload may have \(limits.payloadSize) bytes")
                }
                configuration.maxPayloadSize = size
            }),
        boolean("subscribe", "Whether to allow subscriptions", \.allowsSubscriptions),
        boolean("tempsub", "Whether subscriptions end when the subscriber goes offline", \.temporarySubscriptions),
        boolean("deliver_notifications", "Whether to deliver event notifications", \.deliversNotifications),
        boolean("deliver_payloads", "Whether to deliver payloads with event notifications", \.deliversPayloads),
        boolean("notify_config", "Whether to notify subscribers when the configuration changes", \.notifiesConfiguration),
        boolean("notify_delete", "Whether to notify subscribers when the node is deleted", \.notifiesDeletion),
        boolean("notify_retract", "Whether to notify subscribers when items are removed", \.notifiesRetraction),
        choice("send_last_published_item", "When to send the last published item", \.sendLast),
        choice("itemreply", "Whether items tell their publisher", \.itemReply),
        choice("notification_type", "The type of messages that notifications are", \.notificationType),
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0) })

    // MARK: Forms

    func form(_ kind: DataForm.Kind, formType: String = "http://jabber.org/protocol/pubsub#node_config") -> DataForm {
        DataForm(
            kind, formType: formType,
            [DataForm.Field("pubsub#node_type", type: kind == .form ? "list-single" : nil, "leaf")]
                + Self.fields.map { field in
                    var shown = DataForm.Field(field.name, values: field.get(self))
                    if kind == .form {
                        shown.type = field.type
                        shown.label = field.label
                        shown.options = field.options
                    }
                    return shown
                })
    }

    /// Takes over what a submitted form has; what it does not have stays as it is (XEP-0004 §3.2).
    /// - Parameter isExact: whether fields that are not known are refused (§7.1.5) instead of passed over.
    mutating func submit(_ form: DataForm, limits: PubSubLimits, isExact: Bool = false) throws(StanzaError) {
        for field in form.fields where field.name != "FORM_TYPE" {
            if field.name == "pubsub#node_type" {
                guard field.values.first ?? "leaf" == "leaf" else { throw .unsupported("collections") }
                continue
            }
            guard let known = Self.byName[field.name] else {
                if isExact { throw .preconditionNotMet }
                continue
            }
            try known.set(&self, field.values, limits)
        }
    }

    /// Whether the configuration has everything that a form demands (§7.1.5).
    func meets(_ preconditions: DataForm, limits: PubSubLimits) -> Bool {
        var wanted = self
        do throws(StanzaError) {
            try wanted.submit(preconditions, limits: limits, isExact: true)
        } catch {
            return false
        }
        return wanted == self
    }

    // MARK: Storage

    /// Characters that XML forbids, and so no value has.
    private static let (fieldEnd, valueEnd): (Character, Character) = ("\u{1E}", "\u{1F}")

    /// What differs from the defaults.
    func stored(defaults: NodeConfiguration) -> String {
        Self.fields.filter { $0.get(self) != $0.get(defaults) }
            .map { ([$0.name] + $0.get(self)).joined(separator: String(Self.valueEnd)) }
            .joined(separator: String(Self.fieldEnd))
    }

    /// What was kept, beside the defaults. Values that are beyond limits that were lowered since become the defaults.
    init(stored text: String, defaults: NodeConfiguration, limits: PubSubLimits) {
        self = defaults
        guard !text.isEmpty else { return }
        for field in text.split(separator: Self.fieldEnd) {
            let parts = field.split(separator: Self.valueEnd, omittingEmptySubsequences: false).map(String.init)
            guard let known = Self.byName[parts[0]] else { continue }
            do throws(StanzaError) {
                try known.set(&self, Array(parts.dropFirst()), limits)
            } catch {
                continue
            }
        }
    }

    // MARK: Kinds of fields

    /// Both spellings of XML Schema (XEP-0004 §3.3).
    static func boolean(_ text: String?) -> Bool? {
        switch text {
        case "1", "true": true
        case "0", "false": false
        default: nil
        }
    }

    private static func text(
        _ name: String, _ label: String, _ path: any WritableKeyPath<NodeConfiguration, String> & Sendable
    ) -> Field {
        Field(
            name: "pubsub#\(name)", type: "text-single", label: label,
            get: { $0[keyPath: path].isEmpty ? [] : [$0[keyPath: path]] },
            set: { (configuration, values, _) throws(StanzaError) in
                let value = values.first ?? ""
                guard value.utf8.count <= 4_096 else { throw StanzaError(.notAcceptable, "pubsub#\(name) is too long") }
                configuration[keyPath: path] = value
            })
    }

    private static func boolean(
        _ name: String, _ label: String, _ path: any WritableKeyPath<NodeConfiguration, Bool> & Sendable
    ) -> Field {
        Field(
            name: "pubsub#\(name)", type: "boolean", label: label, get: { [$0[keyPath: path] ? "1" : "0"] },
            set: { (configuration, values, _) throws(StanzaError) in
                guard let value = boolean(values.first) else {
                    throw StanzaError(.notAcceptable, "pubsub#\(name) is true or false")
                }
                configuration[keyPath: path] = value
            })
    }

    private static func choice<Value: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ label: String, _ path: any WritableKeyPath<NodeConfiguration, Value> & Sendable
    ) -> Field where Value.RawValue == String {
        let names = Value.allCases.map(\.rawValue)
        return Field(
            name: "pubsub#\(name)", type: "list-single", label: label, options: names,
            get: { [$0[keyPath: path].rawValue] },
            set: { (configuration, values, _) throws(StanzaError) in
                guard let value = values.first.flatMap(Value.init(rawValue:)) else {
                    throw StanzaError(.notAcceptable, "pubsub#\(name) is one of \(names.joined(separator: ", "))")
                }
                configuration[keyPath: path] = value
            })
    }

    private static func amount(
        _ name: String, _ label: String, _ path: any WritableKeyPath<NodeConfiguration, Amount> & Sendable,
        limit: @escaping @Sendable (PubSubLimits) -> Int
    ) -> Field {
        Field(
            name: "pubsub#\(name)", type: "text-single", label: label, get: { [$0[keyPath: path].description] },
            set: { (configuration, values, limits) throws(StanzaError) in
                if values.first == "max" {
                    configuration[keyPath: path] = .max
                    return
                }
                let most = limit(limits)
                guard let number = values.first.flatMap({ Int($0) }), number >= 1, number <= most else {
                    throw StanzaError(.notAcceptable, "pubsub#\(name) is a number from 1 to \(most), or max")
                }
                configuration[keyPath: path] = .number(number)
            })
    }
}
