internal import NIOCore
internal import XMPP

/// What can be done with hats, as commands of XEP-0050 (XEP-0317 §3.2–§3.7).
enum HatCommand: String, Sendable, CaseIterable {
    case create, destroy, list, assign, unassign
    case listAssigned = "list-assigned"

    static let formType = "urn:xmpp:hats:commands"

    init?(node: String) {
        guard node.hasPrefix("\(Self.formType):") else { return nil }
        self.init(rawValue: String(node.dropFirst(Self.formType.count + 1)))
    }

    var node: String { "\(Self.formType):\(rawValue)" }

    var name: String {
        switch self {
        case .create: "Create or change a hat"
        case .destroy: "Destroy a hat"
        case .list: "List the hats"
        case .assign: "Give somebody a hat"
        case .unassign: "Take a hat from somebody"
        case .listAssigned: "List who wears hats"
        }
    }

    /// Whether somebody may use it. Who may see the hats in presence may see the list of them.
    func isAllowed(to affiliation: RoomAffiliation, isOccupant: Bool) -> Bool {
        switch self {
        case .list: affiliation >= .member || isOccupant
        case .create, .destroy, .assign, .unassign, .listAssigned: affiliation >= .admin
        }
    }

    /// What has to be filled in; nil for commands without a form.
    func form(_ hats: Hats) -> DataForm? {
        var uri = DataForm.Field("hats#uri", type: "list-single", label: "Hat", values: [])
        uri.options = hats.all.map(\.uri)
        uri.labels = Dictionary(uniqueKeysWithValues: hats.all.map { ($0.uri, $0.title) })
        uri.isRequired = true
        var person = DataForm.Field("hats#jid", type: "jid-single", label: "Address", values: [])
        person.isRequired = true
        switch self {
        case .create:
            var title = DataForm.Field("hats#title", type: "text-single", label: "Title of the hat", values: [])
            title.isRequired = true
            uri = DataForm.Field("hats#uri", type: "text-single", label: "URI of the hat", values: [])
            uri.isRequired = true
            let hue = DataForm.Field("hats#hue", type: "text-single", label: "Colour of the hat, in degrees", values: [])
            return DataForm(.form, formType: Self.formType, [title, uri, hue])
        case .destroy: return DataForm(.form, formType: Self.formType, [uri])
        case .assign, .unassign: return DataForm(.form, formType: Self.formType, [person, uri])
        case .list, .listAssigned: return nil
        }
    }
}

extension Room {
    /// The commands that somebody may use, in the order in which they are listed.
    func hatCommands(for device: JID) -> [HatCommand] {
        HatCommand.allCases.filter {
            $0.isAllowed(to: affiliation(of: device), isOccupant: occupant(with: device) != nil)
        }
    }

    /// A command is executed, with its form or without.
    mutating func command(
        _ payload: Element, by device: JID, answer: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        try checkExistence(for: device)
        guard let command = payload["node"].flatMap(HatCommand.init(node:)) else { throw StanzaError(.itemNotFound) }
        guard hatCommands(for: device).contains(command) else { throw StanzaError(.forbidden) }
        unnamed += 1
        let session = payload["sessionid"] ?? "\(now.milliseconds)-\(unnamed)"
        func reply(_ status: String, _ content: (inout XMLWriter) -> Void = { _ in }) -> Stanza {
            var reply = answer
            var writer = XMLWriter()
            writer.element(
                "command", in: .commands, ["node": command.node, "sessionid": session, "status": status], content)
            reply.content = writer.buffer
            return reply
        }
        switch payload["action"] {
        case "cancel": return outcome.send(reply("canceled"))
        case nil, "execute", "next", "complete": break
        // Every command has one step.
        case "prev": throw .command("bad-action")
        default: throw .command("malformed-action")
        }
        switch command {
        case .list: return outcome.send(reply("completed") { records.hats.write(into: &$0) })
        case .listAssigned: return outcome.send(reply("completed") { records.hats.writeWearers(into: &$0) })
        case .create, .destroy, .assign, .unassign: break
        }
        guard let form = payload.child("x", in: .dataForms).flatMap(DataForm.init) else {
            return outcome.send(
                reply("executing") { writer in
                    writer.element("actions", ["execute": "complete"]) { $0.element("complete") }
                    command.form(records.hats)?.write(into: &writer)
                })
        }
        guard form.kind == .submit, form.formType ?? HatCommand.formType == HatCommand.formType else {
            throw .badPayload("the form is of another type")
        }
        try execute(command, form, answer: reply("completed"), &outcome)
    }

    private mutating func execute(
        _ command: HatCommand, _ form: DataForm, answer: Stanza, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        let before = records.hats
        // Whose hats are other ones now.
        var changed: [JID] = []
        switch command {
        case .create:
            let hat = try Hat(form)
            try records.hats.make(hat)
            changed = records.hats.wearers(of: hat.uri)
        case .destroy:
            let uri = try hat(form)
            changed = records.hats.wearers(of: uri)
            try records.hats.destroy(uri)
        case .assign:
            let person = try wearer(form)
            try records.hats.assign(try hat(form), to: person, limit: limits.affiliates)
            changed = [person]
        case .unassign:
            let person = try wearer(form)
            try records.hats.unassign(try hat(form), of: person)
            changed = [person]
        case .list, .listAssigned: return
        }
        outcome.send(answer)
        guard records.hats != before else { return }
        outcome.changes.areRecordsChanged = true
        for person in changed.sorted(by: { $0.description < $1.description }) { dress(person, &outcome) }
        if records.hats.all != before.all { notify([104], &outcome) }
    }

    private func hat(_ form: DataForm) throws(StanzaError) -> String {
        guard let uri = form["hats#uri"]?.first else { throw .badPayload("hats#uri is missing") }
        return uri
    }

    private func wearer(_ form: DataForm) throws(StanzaError) -> JID {
        guard let text = form["hats#jid"]?.first, let person = (try? JID(text))?.bare, !person.isDomain else {
            throw .badPayload("hats#jid is somebody's address")
        }
        return person
    }

    /// Everybody is told what hats somebody wears now.
    private mutating func dress(_ person: JID, _ outcome: inout RoomOutcome) {
        let hats = records.hats.element(of: person)
        for occupant in occupants(of: person) {
            set(hats, of: occupant)
            guard let occupant = self.occupant(occupant.nickname) else { continue }
            tell(RoomPresence(of: occupant, affiliation(of: person)), &outcome)
        }
    }
}

extension Hats {
    /// §3.4
    fileprivate func write(into writer: inout XMLWriter) {
        DataForm.writeTable(
            formType: HatCommand.formType, ["hats#title", "hats#uri", "hats#hue"],
            all.map { [$0.title, $0.uri, $0.hue] }, into: &writer)
    }

    /// §3.7
    fileprivate func writeWearers(into writer: inout XMLWriter) {
        var rows: [[String?]] = []
        for person in wearers.keys.sorted(by: { $0.description < $1.description }) {
            for hat in hats(of: person) { rows.append([person.description, hat.uri, hat.title, hat.hue]) }
        }
        DataForm.writeTable(
            formType: HatCommand.formType, ["hats#jid", "hats#uri", "hats#title", "hats#hue"], rows, into: &writer)
    }
}

extension StanzaError {
    /// XEP-0050 §4.4
    static func command(_ condition: StaticString, _ text: String? = nil) -> StanzaError {
        StanzaError(.badRequest, text, application: (condition, .commands))
    }

    static func badPayload(_ text: String) -> StanzaError { command("bad-payload", text) }
}

extension Namespace {
    /// XEP-0050
    static let commands: Namespace = "http://jabber.org/protocol/commands"
}
