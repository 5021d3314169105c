internal import NIOCore
internal import XMPP

extension Room {
    mutating func messageReceived(
        _ stanza: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard let device = stanza.from else { return }
        switch (stanza.type, stanza.to?.isFull ?? false) {
        case (.error, _) where Self.meansGone(stanza): vanished([device], &outcome)
        case (.error, true): passError(stanza, &outcome)
        case (.error, false): break
        // §7.5: "If the sender attempts to send a private message of type "groupchat" to a particular occupant".
        case (.groupchat, true): throw StanzaError(.badRequest)
        case (.groupchat, false): try say(stanza, at: now, &outcome)
        case (_, true): try sendPrivately(stanza, &outcome)
        case (_, false): try messageToRoom(stanza, at: now, &outcome)
        }
    }

    /// The occupant that speaks.
    /// - Throws: `not-acceptable` for who is not in the room (§7.4), `item-not-found` in a locked room (§16.2).
    func speaker(_ stanza: Stanza) throws(StanzaError) -> Occupant {
        if isLocked { throw StanzaError(.itemNotFound) }
        guard let device = stanza.from, let occupant = occupant(with: device) else { throw .notInRoom }
        return occupant
    }

    /// §7.4: a message to all.
    private mutating func say(
        _ stanza: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        let occupant = try speaker(stanza)
        if RoomSubject.isChange(stanza) {
            guard configuration.subjectChanges.mayChange(occupant.role) else { throw StanzaError(.forbidden) }
            return changeSubject(stanza, occupant, at: now, &outcome)
        }
        guard occupant.role.has(.sendsToAll) else { throw StanzaError(.forbidden) }
        let seconds = configuration.slowMode.seconds
        if isSlowed(stanza, occupant.person) {
            try lastMessages.check(occupant.person, seconds: seconds, at: now)
            lastMessages.add(occupant.person, seconds: seconds, at: now)
        }
        outcome.actions.append(.place(reflected(stanza, occupant, at: now), by: occupant.person))
    }

    /// A message to all has its place in the archive, if it was worth one.
    mutating func messagePlaced(_ message: Stanza, at now: DateTime, _ outcome: inout RoomOutcome) {
        outcome.broadcast(message, to: receivers)
        activity.count(message, at: now)
        let author = message.from.flatMap(occupant(at:)).map { markName(of: $0.person) }
        remember(message, at: now, by: author)
        if let author { retract(message, by: author, at: now, &outcome) }
    }

    /// A message that was said belongs to the history, unless it means nothing later.
    /// - Parameter author: what tells who has said it from others; nil if the message tells it.
    mutating func remember(_ message: Stanza, at now: DateTime, by author: String? = nil) {
        guard Self.isRemembered(message), configuration.history.messages > 0 else { return }
        var remembered = Stanza(
            .message, type: .groupchat, from: message.from, to: nil, id: message.identifier, content: message.writeContent)
        remembered.language = message.spokenLanguage
        let isDelayed = message.element?.child("delay", in: .delay) != nil
        history.append(
            remembered, at: now, isDelayed: isDelayed, room: address, limit: configuration.history.messages,
            DiscussionHistory.Origin(
                place: message.placement?.id,
                author: author ?? message.element?.child("occupant-id", in: .occupantIdentifiers)?["id"]))
    }

    /// Whether a message belongs to the history.
    static func isRemembered(_ message: Stanza) -> Bool {
        guard let element = message.element else { return false }
        let hints = Hints(of: element)
        return element.child("body") != nil && !hints.contains(.noStore) && !hints.contains(.noPermanentStore)
    }

    /// §8.1
    private mutating func changeSubject(
        _ stanza: Stanza, _ occupant: Occupant, at now: DateTime, _ outcome: inout RoomOutcome
    ) {
        var content = ByteBuffer()
        for child in stanza.element?.children.filter({ $0.isNamed("subject", in: .client) }) ?? [] {
            child.write(into: &content, inheriting: Namespace.client.description)
        }
        content.writeImmutableBuffer(occupant.mark)
        subject = RoomSubject(content: content, author: occupant.jid, time: now)
        outcome.changes.isRoomChanged = true
        outcome.actions.append(.place(reflected(stanza, occupant, at: now), by: occupant.person))
    }

    /// A message as it comes from an occupant: without what only the room says, and marked.
    private mutating func reflected(_ stanza: Stanza, _ occupant: Occupant, at now: DateTime) -> Stanza {
        var message = stanza
        message.from = occupant.jid
        message.to = nil
        message.type = .groupchat
        for child in stanza.element?.children.filter(isForRoomOnly) ?? [] { message.omit(child) }
        message.appendix = occupant.mark
        if message.identifier == nil {
            // §7.4: "If the client did not provide an 'id', the server MAY generate an 'id'".
            unnamed += 1
            message.id = "\(now.milliseconds)-\(unnamed)"
        }
        // The place in the archive of the sender's account is nobody else's.
        message.placement = nil
        return message
    }

    /// What nobody but a room says (XEP-0045 §7.2.13, §16.3; XEP-0421 §4, XEP-0359 §3).
    private func isForRoomOnly(_ child: Element) -> Bool {
        child.isIn(.roomUser) || child.isNamed("occupant-id", in: .occupantIdentifiers)
            || child.isNamed("stanza-id", in: .stanzaIdentifiers)
            || (child.isNamed("delay", in: .delay) && child["from"].flatMap { try? JID($0) } == address)
    }

    // MARK: Private messages

    /// §7.5
    private mutating func sendPrivately(_ stanza: Stanza, _ outcome: inout RoomOutcome) throws(StanzaError) {
        let sender = try speaker(stanza)
        guard let receiver = stanza.to.flatMap(occupant(at:)) else { throw StanzaError(.itemNotFound) }
        guard configuration.privateMessages.maySend(sender.role) else { throw StanzaError(.forbidden) }
        var message = stanza
        message.from = sender.jid
        for child in stanza.element?.children.filter(isForRoomOnly) ?? [] { message.omit(child) }
        var writer = XMLWriter()
        // "The service SHOULD add the <x/> element if the message does not contain it already."
        writer.element("x", in: .roomUser)
        writer.raw(sender.mark)
        message.appendix = writer.buffer
        message.placement = nil
        // "it is RECOMMENDED to route to all resources".
        for device in receiver.devices {
            message.to = device.jid
            outcome.send(message)
        }
    }

    /// A private message was refused: its sender is told, by the name of who has refused it.
    private func passError(_ stanza: Stanza, _ outcome: inout RoomOutcome) {
        guard let sender = stanza.from.flatMap(occupant(with:)), let receiver = stanza.to.flatMap(occupant(at:)) else {
            return
        }
        var message = stanza
        message.from = sender.jid
        message.placement = nil
        for device in receiver.devices {
            message.to = device.jid
            outcome.send(message)
        }
    }

    // MARK: Messages to the room itself

    private mutating func messageToRoom(
        _ stanza: Stanza, at now: DateTime, _ outcome: inout RoomOutcome
    ) throws(StanzaError) {
        guard let element = stanza.element, stanza.type == .normal || stanza.type == .chat else { return }
        if let user = element.child("x", in: .roomUser) {
            if user.child("invite") != nil { return try invite(stanza, user, &outcome) }
            if let decline = user.child("decline") { return declined(stanza, decline, &outcome) }
        }
        if let form = element.child("x", in: .dataForms).flatMap(DataForm.init) {
            switch form.formType {
            case VoiceRequests.formType: return try voiceFormReceived(stanza, form, &outcome)
            case SelfRegistration.formType: return try approvalReceived(stanza, form, &outcome)
            default: break
            }
        }
        // §16.2: "A service MAY ignore messages that are improperly typed, or reject them with a <bad-request/> error."
        _ = try speaker(stanza)
        throw StanzaError(.badRequest, "messages to all are of type groupchat")
    }
}
