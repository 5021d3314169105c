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
    private var waiting = CircularBuffer<Stanza>(initialCapacity: 0)
    /// What the room is called in the directory; nil if it is not there.
    private var listed: String?
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

    func receive(_ stanza: Stanza, on loop: LoopContext) {
        switch state {
        case .ready:
            handle(stanza, on: loop)
            rest(on: loop)
        case .loading, .writing:
            guard waiting.count < Self.waitingLimit else {
                return refuse(stanza, StanzaError(.resourceConstraint), on: loop)
            }
            waiting.append(stanza)
        }
    }

    func loaded(_ room: Room?, on loop: LoopContext) {
        state = .ready(room)
        goOn(on: loop)
    }

    /// The room cannot be read.
    func failed(_ error: StanzaError, on loop: LoopContext) {
        for stanza in waiting { refuse(stanza, error, on: loop) }
        waiting.removeAll()
        loop[RoomService.rooms][address] = nil
    }

    private func goOn(on loop: LoopContext) {
        while case .ready = state, let stanza = waiting.popFirst() { handle(stanza, on: loop) }
        rest(on: loop)
    }

    private func handle(_ stanza: Stanza, on loop: LoopContext) {
        guard case .ready(let found) = state else { return }
        guard let room = found else { return handleAbsent(stanza, on: loop) }
        guard !Room.isOrdinary(stanza) else {
            // Nobody else may hold the room while it changes, or it would be copied.
            state = .loading
            return change(room, on: loop) { $0.received(stanza, at: $1) }
        }
        var changed = room
        let outcome = changed.received(stanza, at: kernel.clock.date)
        guard outcome.needsStoring(room, changed) else {
            state = .ready(changed)
            return perform(outcome, on: loop)
        }
        write(room, changed, outcome, because: stanza, on: loop)
    }

    private func change(_ room: consuming Room, on loop: LoopContext, _ body: (inout Room, DateTime) -> RoomOutcome) {
        let outcome = body(&room, kernel.clock.date)
        state = .ready(room)
        perform(outcome, on: loop)
    }

    private func handleAbsent(_ stanza: Stanza, on loop: LoopContext) {
        switch AbsentRoom.received(stanza) {
        case .create:
            guard let creator = stanza.from, service.mayCreate(address, creator) else {
                // XEP-0045 §10.1.1
                return refuse(stanza, StanzaError(.notAllowed), on: loop)
            }
            state = .ready(Room(address, createdBy: creator, secret: randomBytes(32), limits: service.limits))
            handle(stanza, on: loop)
        case .refuse(let error): refuse(stanza, error, on: loop)
        case .send(let answer): kernel.send(answer, on: loop)
        case .nothing: break
        }
    }

    private func refuse(_ stanza: Stanza, _ error: StanzaError, on loop: LoopContext) {
        if let refusal = stanza.bounced(error, by: address) { kernel.send(refusal, on: loop) }
    }

    // MARK: Storage

    private func write(
        _ before: Room, _ after: Room, _ outcome: RoomOutcome, because stanza: Stanza, on loop: LoopContext
    ) {
        state = .writing(before: before)
        let reference = kernel.loops[loop.index]
        let address = address
        kernel.database.write { transaction in
            try RoomStore.save(after, before: before, outcome.changes, transaction)
        } completion: { [kernel] result in
            reference.execute { loop in
                guard let room = loop[RoomService.rooms][address] else { return }
                switch result {
                case .success: room.written(after, outcome, on: loop)
                case .failure(let error): room.unwritten(stanza, kernel.refusal(of: error, address), on: loop)
                }
            }
        }
    }

    private func written(_ room: Room, _ outcome: RoomOutcome, on loop: LoopContext) {
        state = .ready(room)
        perform(outcome, on: loop)
        goOn(on: loop)
    }

    private func unwritten(_ stanza: Stanza, _ error: StanzaError, on loop: LoopContext) {
        if case .writing(let before) = state { state = .ready(before) }
        refuse(stanza, error, on: loop)
        goOn(on: loop)
    }

    // MARK: Actions

    private func perform(_ outcome: RoomOutcome, on loop: LoopContext) {
        var missing: [JID] = []
        for action in outcome.actions {
            switch action {
            case .send(let stanza): send(stanza, on: loop)
            case .broadcast(let stanza, let receivers): missing += loop.send(stanza, toEach: receivers)
            case .place(let message, _): placed(message, on: loop)
            }
        }
        if outcome.changes.isDestroyed { state = .ready(nil) }
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

    private func placed(_ message: Stanza, on loop: LoopContext) {
        changeNow(on: loop) { room, now in
            var outcome = RoomOutcome()
            room.messagePlaced(message, at: now, &outcome)
            return outcome
        }
    }

    /// Something has happened that changes nothing that is stored.
    private func changeNow(on loop: LoopContext, _ body: (inout Room, DateTime) -> RoomOutcome) {
        guard case .ready(let room?) = state else { return }
        state = .loading
        change(room, on: loop, body)
    }

    // MARK: Rest

    /// Nothing is left to be done: rooms that nobody needs are let go of.
    private func rest(on loop: LoopContext) {
        guard case .ready(let room) = state else { return }
        guard let room, !room.isEmpty || room.configuration.persistence.isPersistent else {
            list(nil)
            loop[RoomService.rooms][address] = nil
            return
        }
        list(room.nameInDirectory)
        guard room.isEmpty else { return emptySince = nil }
        if room.remembersNothing {
            loop[RoomService.rooms][address] = nil
        } else if emptySince == nil {
            emptySince = kernel.clock.now
        }
    }

    private func list(_ name: String?) {
        guard name != listed else { return }
        listed = name
        service.directory.list(address, as: name)
    }

    func tidy(_ removed: [JID], on loop: LoopContext) {
        guard case .ready(let room?) = state else { return }
        if !removed.isEmpty {
            var changed = room
            for person in removed { changed.forget(person) }
            state = .ready(changed)
        }
        if let emptySince, emptySince + Self.patience < kernel.clock.now { loop[RoomService.rooms][address] = nil }
    }

    func stop(on loop: LoopContext) {
        changeNow(on: loop) { room, _ in
            var outcome = RoomOutcome()
            room.shutDown(&outcome)
            return outcome
        }
    }
}

extension RoomOutcome {
    /// Whether something has to be on disk before it is told.
    fileprivate func needsStoring(_ before: Room, _ after: Room) -> Bool {
        !changes.isEmpty
            && (before.configuration.persistence.isPersistent || after.configuration.persistence.isPersistent)
    }
}
