internal import NIOCore
internal import Server
internal import Storage
internal import TLS
internal import XMPP

/// A room in memory. Belongs to one event loop, which brings it what happens in order.
///
/// What changes something that is stored is on disk before anybody hears of it; meanwhile the room waits. If it cannot
/// be stored, it has never happened.
final class HostedRoom {
    /// A stanza for the room, and what is to be done when it has had its effect.
    struct Event: Sendable {
        let stanza: Stanza
        /// Lets the sender's client know that the stanza is in the server's hands (XEP-0198 §4).
        let settle: (@Sendable () -> Void)?
    }

    private enum State {
        /// The room is being read.
        case loading
        /// Nil: there is no such room.
        case ready(Room?)
        /// A change is being written.
        case writing(before: Room)
    }

    private let address: JID
    private let service: RoomService
    private var state = State.loading
    private var waiting = CircularBuffer<Event>(initialCapacity: 0)
    /// The archive, once somebody has used it.
    private var owner: ArchiveOwner?
    /// The room that there was, where there is none.
    private var former: FormerRoom?
    /// Who has made the room while it was in memory.
    private var creator: JID?
    /// Whether there may be an archive from before.
    private var wasStored = false
    private var isStopped = false
    /// What the archive has found while the room was waiting for the disk.
    private var findings: [(RoomModeration, RoomModeration.Finding)] = []
    /// How the room is listed in the directory; nil if it is not there.
    private var listed: RoomDirectory.Entry?
    /// Since when nobody has been in the room.
    private var emptySince: NIODeadline?

    /// More stanzas than this only wait where the disk does not answer.
    private static let waitingLimit = 2_000
    /// How long a room that nobody is in stays in memory for what it remembers and does not store.
    private static let patience = TimeAmount.hours(1)

    private var kernel: Kernel { service.kernel }

    init(_ address: JID, _ service: RoomService) {
        self.address = address
        self.service = service
    }

    // MARK: Events

    func receive(_ event: Event, on loop: LoopContext) {
        switch state {
        case .ready:
            handle(event, on: loop)
            rest(on: loop)
        case .loading, .writing:
            guard waiting.count < Self.waitingLimit else {
                return refuse(event, StanzaError(.resourceConstraint), on: loop)
            }
            waiting.append(event)
        }
    }

    func loaded(_ room: Room?, _ former: FormerRoom?, on loop: LoopContext) {
        wasStored = room != nil
        self.former = former
        state = .ready(room)
        goOn(on: loop)
    }

    /// The room is as it was before a restart of the server; who has not come back is not in it any more.
    func restored(_ room: Room, on loop: LoopContext) {
        state = .ready(room)
        wasStored = true
        perform(RoomOutcome(), because: nil, on: loop)
        rest(on: loop)
    }

    /// The room cannot be read.
    func failed(_ error: StanzaError, on loop: LoopContext) {
        for event in waiting { refuse(event, error, on: loop) }
        waiting.removeAll()
        loop[RoomService.rooms][address] = nil
    }

    private func goOn(on loop: LoopContext) {
        let found = findings
        findings.removeAll()
        for (moderation, finding) in found { moderated(moderation, finding, on: loop) }
        while case .ready = state, let event = waiting.popFirst() { handle(event, on: loop) }
        if isStopped { stop(on: loop) }
        rest(on: loop)
    }

    private func handle(_ event: Event, on loop: LoopContext) {
        guard case .ready(let found) = state else { return }
        guard let room = found else { return handleAbsent(event, on: loop) }
        let stanza = event.stanza
        if let query = service.archive.query(stanza) { return readArchive(query, stanza, room, on: loop) }
        guard !Room.isOrdinary(stanza) else {
            // Nobody else may hold the room while it changes, or it would be copied.
            state = .loading
            return change(room, because: event, on: loop) { $0.received(stanza, at: $1) }
        }
        var changed = room
        let outcome = changed.received(stanza, at: kernel.clock.date)
        guard outcome.needsStoring(room, changed) else {
            state = .ready(changed)
            return perform(outcome, because: event, on: loop)
        }
        write(room, changed, outcome, because: event, on: loop)
    }

    private func change(
        _ room: consuming Room, because event: Event?, on loop: LoopContext,
        _ body: (inout Room, DateTime) -> RoomOutcome
    ) {
        let outcome = body(&room, kernel.clock.date)
        state = .ready(room)
        perform(outcome, because: event, on: loop)
    }

    private func handleAbsent(_ event: Event, on loop: LoopContext) {
        if let former, former.expiry <= kernel.clock.date { self.former = nil }
        switch AbsentRoom.received(event.stanza, former: former) {
        case .create:
            guard let creator = event.stanza.from, service.mayCreate(address, creator) else {
                // XEP-0045 §10.1.1
                return refuse(event, StanzaError(.notAllowed), on: loop)
            }
            guard service.quota.take(creator) else {
                return refuse(event, StanzaError(.resourceConstraint, "you have made too many rooms"), on: loop)
            }
            self.creator = creator
            former = nil
            state = .ready(
                Room(
                    address, createdBy: creator, at: kernel.clock.date, secret: randomBytes(32),
                    limits: service.limits(of: address)))
            handle(event, on: loop)
        case .refuse(let error): refuse(event, error, on: loop)
        case .send(let answer):
            kernel.send(answer, on: loop)
            settle(event, on: loop)
        case .nothing: event.settle?()
        }
    }

    private func refuse(_ event: Event, _ error: StanzaError, on loop: LoopContext) {
        if let refusal = event.stanza.bounced(error, by: address) { kernel.send(refusal, on: loop) }
        settle(event, on: loop)
    }

    /// Lets the sender know that the server has their stanza, after they have heard what has come of it: what is
    /// acknowledged and not refused by then is so for ever, even if the server is killed.
    private func settle(_ event: Event, on loop: LoopContext) {
        guard let settle = event.settle else { return }
        kernel.loops[loop.index].execute { _ in settle() }
    }

    /// XEP-0313: others need not wait for it.
    private func readArchive(_ query: Element, _ stanza: Stanza, _ room: Room, on loop: LoopContext) {
        let owner = owner ?? service.archive.owner(of: room)
        self.owner = owner
        service.archive.answer(query, stanza, owner, isAllowed: stanza.from.map(room.mayReadArchive) ?? false, on: loop)
    }

    // MARK: Storage

    private func write(
        _ before: Room, _ after: Room, _ outcome: RoomOutcome, because event: Event, on loop: LoopContext
    ) {
        state = .writing(before: before)
        let reference = kernel.loops[loop.index]
        let address = address
        let now = kernel.clock.date
        kernel.database.write { transaction in
            try RoomStore.save(after, before: before, outcome.changes, at: now, transaction)
        } completion: { [kernel] result in
            reference.execute { loop in
                guard let room = loop[RoomService.rooms][address] else { return }
                switch result {
                case .success: room.written(after, outcome, because: event, on: loop)
                case .failure(let error): room.unwritten(event, kernel.refusal(of: error, address), on: loop)
                }
            }
        }
    }

    private func written(_ room: Room, _ outcome: RoomOutcome, because event: Event, on loop: LoopContext) {
        state = .ready(room)
        perform(outcome, because: event, on: loop)
        goOn(on: loop)
    }

    private func unwritten(_ event: Event, _ error: StanzaError, on loop: LoopContext) {
        if case .writing(let before) = state { state = .ready(before) }
        refuse(event, error, on: loop)
        goOn(on: loop)
    }

    // MARK: Actions

    private func perform(_ outcome: RoomOutcome, because event: Event?, on loop: LoopContext) {
        var missing = takeNoteOfMovements()
        var (isPlaced, isSettled) = (false, false)
        for action in outcome.actions {
            switch action {
            case .send(let stanza): send(stanza, on: loop)
            case .broadcast(let stanza, let receivers): missing += loop.send(stanza, toEach: receivers)
            case .place(let message, _):
                isPlaced = true
                isSettled = place(message, because: event, on: loop)
            case .retract(let retraction): retract(retraction, on: loop)
            case .moderate(let moderation): moderate(moderation, on: loop)
            }
        }
        if !isSettled, let event {
            if isPlaced { event.settle?() } else { settle(event, on: loop) }
        }
        if let destruction = outcome.changes.destruction {
            former = room.flatMap { FormerRoom($0, destruction, at: kernel.clock.date) }
            state = .ready(nil)
            removeArchive()
        }
        guard !missing.isEmpty else { return }
        changeNow(on: loop) { room, _ in
            var outcome = RoomOutcome()
            room.vanished(missing, &outcome)
            return outcome
        }
    }

    /// Who has written to an occupant or asked one something is told if that is refused.
    private func send(_ stanza: Stanza, on loop: LoopContext) {
        switch (stanza.kind, stanza.type) {
        case (.message, .normal), (.message, .chat), (.iq, .get), (.iq, .set):
            do throws(StanzaError) {
                if case .needs = try kernel.router.route(stanza, on: loop) { kernel.send(stanza, on: loop) }
            } catch {
                kernel.router.bounce(stanza, error, on: loop)
            }
        case (.message, _), (.iq, _), (.presence, _): kernel.send(stanza, on: loop)
        }
    }

    /// Archives a message, and lets everybody hear it.
    /// - Returns: whether the sender is told when the message is on disk; else it has had its effect.
    private func place(_ message: Stanza, because event: Event?, on loop: LoopContext) -> Bool {
        guard case .ready(let room?) = state else { return false }
        var message = message
        var isSettled = false
        if room.limits.hasArchive, service.archive.isWorth(message) {
            let owner = owner ?? service.archive.owner(of: room)
            self.owner = owner
            isSettled = service.archive.append(&message, owner, because: event, on: loop)
            // The subject is changed already, whether the archive knows it or not.
            guard isSettled || RoomSubject.isChange(message) else {
                if let event { refuse(event, StanzaError(.resourceConstraint), on: loop) }
                return true
            }
        }
        changeNow(on: loop) { room, now in
            var outcome = RoomOutcome()
            room.messagePlaced(message, at: now, &outcome)
            return outcome
        }
        return isSettled
    }

    private func retract(_ retraction: RoomRetraction, on loop: LoopContext) {
        guard case .ready(let room?) = state else { return }
        service.archive.retract(retraction, service.archive.owner(of: room))
    }

    /// What the archive finds comes back when it has written it.
    private func moderate(_ moderation: RoomModeration, on loop: LoopContext) {
        guard case .ready(let room?) = state else { return }
        let reference = kernel.loops[loop.index]
        let address = address
        service.archive.moderate(moderation, service.archive.owner(of: room)) { [kernel] result in
            reference.execute { loop in
                switch result {
                case .success(let finding):
                    guard let room = loop[RoomService.rooms][address] else {
                        return kernel.send(moderation.answer, on: loop)
                    }
                    room.moderated(moderation, finding, on: loop)
                case .failure(let error):
                    let refusal = moderation.request.bounced(kernel.refusal(of: error, address), by: address)
                    if let refusal { kernel.send(refusal, on: loop) }
                }
            }
        }
    }

    private func moderated(_ moderation: RoomModeration, _ finding: RoomModeration.Finding, on loop: LoopContext) {
        guard case .ready = state else { return findings.append((moderation, finding)) }
        changeNow(on: loop) { room, now in
            var outcome = RoomOutcome()
            room.moderated(moderation, finding, at: now, &outcome)
            return outcome
        }
        rest(on: loop)
    }

    /// Something has happened that changes nothing that is stored.
    private func changeNow(on loop: LoopContext, _ body: (inout Room, DateTime) -> RoomOutcome) {
        guard case .ready(let room?) = state else { return }
        state = .loading
        change(room, because: nil, on: loop, body)
    }

    // MARK: Rest

    /// Nothing is left to be done: rooms that nobody needs are let go of.
    private func rest(on loop: LoopContext) {
        guard case .ready(let room) = state else { return }
        guard let room, !room.isEmpty || room.configuration.persistence.isPersistent else {
            // A room that ends by itself leaves nothing behind, either.
            if room != nil { removeArchive() }
            list(nil)
            return leaveMemory(on: loop)
        }
        list(room.directoryEntry)
        guard room.isEmpty else { return emptySince = nil }
        if room.remembersNothing {
            leaveMemory(on: loop)
        } else if emptySince == nil {
            emptySince = kernel.clock.now
        }
    }

    private func list(_ entry: RoomDirectory.Entry?) {
        guard entry != listed else { return }
        listed = entry
        service.directory.list(address, as: entry)
    }

    func tidy(_ removed: [JID], on loop: LoopContext) {
        guard case .ready(let room?) = state else { return }
        if !removed.isEmpty {
            var changed = room
            for person in removed { changed.forget(person) }
            state = .ready(changed)
        }
        if let emptySince, emptySince + Self.patience < kernel.clock.now { return leaveMemory(on: loop) }
        // Whoever ends without a word is missed when something is said; here, too, where nothing is.
        let gone = room.receivers.filter { kernel.serves(domainOf: $0) && !kernel.hasSession($0) }
        guard !gone.isEmpty else { return }
        changeNow(on: loop) { room, _ in
            var outcome = RoomOutcome()
            room.vanished(gone, &outcome)
            return outcome
        }
        rest(on: loop)
    }

    private func leaveMemory(on loop: LoopContext) {
        list(nil)
        loop[RoomService.rooms][address] = nil
        if let creator { service.quota.giveBack(creator) }
        creator = nil
    }

    private func removeArchive() {
        guard owner != nil || wasStored, !isStopped else { return }
        service.archive.remove(address)
        owner = nil
    }

    /// XEP-0045 §14.2: those whose sessions end with the server leave; the others stay over the restart.
    /// - Parameter isKept: whether the room is kept over the restart; else all leave.
    func stop(isKept: Bool = true, on loop: LoopContext) {
        isStopped = true
        changeNow(on: loop) { [kernel] room, _ in
            var outcome = RoomOutcome()
            room.shutDown(Set(room.receivers.filter { !isKept || !JoinedRooms.isKept($0, kernel) }), &outcome)
            return outcome
        }
    }

    // MARK: Who is there

    /// Lets the accounts of devices know which rooms they are in.
    /// - Returns: devices without a session.
    private func takeNoteOfMovements() -> [JID] {
        guard var room, !room.movements.isEmpty else { return [] }
        let movements = room.takeMovements()
        state = .ready(room)
        var missing: [JID] = []
        for movement in movements {
            switch movement {
            case .entered(let device): if !JoinedRooms.entered(address, device, kernel) { missing.append(device) }
            case .left(let device):
                JoinedRooms.left(address, device, kernel)
                missing.removeAll { $0 == device }
            }
        }
        return missing
    }

    /// The room as it is; nil if there is none, or while it is being read or written.
    var room: Room? {
        if case .ready(let room) = state { room } else { nil }
    }

    /// Whether nothing is being read or written for the room.
    var isSettled: Bool {
        switch state {
        case .ready: true
        case .loading, .writing: false
        }
    }

    /// The room, if it is to be kept over a restart of the server: somebody is in it, or it remembers what is not stored.
    var kept: Room? {
        room.flatMap { $0.isEmpty && ($0.remembersNothing || !$0.configuration.persistence.isPersistent) ? nil : $0 }
    }
}

extension Kernel {
    /// Whether a session is bound to a full address.
    fileprivate func hasSession(_ address: JID) -> Bool {
        accounts[address.bare]?.sessions.contains { $0.handle.jid == address } ?? false
    }
}

extension RoomOutcome {
    /// Whether something has to be on disk before it is told.
    fileprivate func needsStoring(_ before: Room, _ after: Room) -> Bool {
        !changes.isEmpty
            && (before.configuration.persistence.isPersistent || after.configuration.persistence.isPersistent)
    }
}
