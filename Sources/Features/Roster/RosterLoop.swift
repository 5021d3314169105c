internal import Foundation
internal import Server
internal import XMPP

/// Where and when rosters change.
///
/// All of them change on one event loop, one change after the other. So both sides of a subscription change in one
/// step as far as anybody sees, and pushes leave in the order of their versions. The changes are as rare as people's
/// decisions, and short.
extension Kernel {
    var rosterLoop: LoopReference { loops[0] }

    /// Now, as versions of rosters count it: in microseconds since 1970.
    var rosterTime: Int { Int(Date().timeIntervalSince1970 * 1_000_000) }

    /// Does something on the roster loop, at once if that is where the caller is.
    ///
    /// What the caller's loop has sent before keeps its place before what is sent there.
    func changeRosters(from loop: LoopContext, _ change: @escaping @Sendable (LoopContext) -> Void) {
        if loop.index == 0 { return change(loop) }
        loop.flush()
        rosterLoop.execute(change)
    }

    /// Does something on the roster loop when a contact is in memory, if it is one of ours; so that what is sent to
    /// it there has its effect at once.
    /// - Parameter change: is handed false if nothing can be known of the contact at the moment.
    func changeRosters(
        with contact: JID, from loop: LoopContext?, _ change: @escaping @Sendable (LoopContext, Bool) -> Void
    ) {
        guard serves(domainOf: contact), !contact.bare.isDomain, case .notLoaded = accounts.find(contact.bare) else {
            guard let loop else { return rosterLoop.execute { change($0, true) } }
            return changeRosters(from: loop) { change($0, true) }
        }
        loop?.flush()
        accounts.load(contact.bare) { [rosterLoop] result in
            rosterLoop.execute { loop in
                if case .failed = result { change(loop, false) } else { change(loop, true) }
            }
        }
    }

    /// Does something that may end a subscription, on the roster loop, when what both sides have broadcast before has
    /// left their sessions' loops. Else a presence on its way could arrive after the end, and be believed for ever.
    /// - Parameter loop: the roster loop, where this is called.
    func endSubscription(
        between user: JID, and contact: JID, on loop: LoopContext, _ change: @escaping @Sendable (LoopContext) -> Void
    ) {
        if loops.count == 1 { return change(loop) }
        // Neither account leaves memory before this is over, for they were just used: what is counted is their presence.
        let sides = [(user, contact), (contact, user)].compactMap { Side(accounts[$0.bare], of: $1.bare) }
        passLoops(from: 1) { loop in
            let subscribed = sides.map(\.isSubscribed)
            change(loop)
            let overtaken = zip(sides, subscribed).filter { side, wasSubscribed in
                wasSubscribed && !side.isSubscribed && side.wasToldMore
            }.map(\.0)
            if overtaken.isEmpty { return sides.forEach { _ = $0.finish() } }
            // Somebody's presence has changed meanwhile, and may be on its way still: its end is told once more.
            self.passLoops(from: 1) { loop in
                let told = sides.map { $0.finish() }
                for (side, resources) in zip(sides, told) where overtaken.contains(side) {
                    for resource in resources {
                        self.send(Stanza(.presence, type: .unavailable, from: resource, to: side.contact), on: loop)
                    }
                    // Who has been given the subscription back in this moment believes what comes last.
                    if side.isSubscribed { self.sendPresence(of: side.account, to: side.contact, on: loop) }
                }
            }
        }
    }

    /// One direction of a subscription that may be about to end.
    private struct Side: Equatable {
        let account: Account
        let contact: JID
        /// How often subscribers had been told something at the beginning.
        private let count: Int

        var isSubscribed: Bool { account.isSubscribed(by: contact) }
        /// Whether subscribers were told something since the beginning.
        var wasToldMore: Bool { account.withState { $0[Presences.told].count } != count }

        init?(_ account: Account?, of contact: JID) {
            guard let account else { return nil }
            self.account = account
            self.contact = contact
            count = account.withState { state in
                state[Presences.told].beginEnd()
                return state[Presences.told].count
            }
        }

        /// To be called once: the resources that the contact may believe to be available.
        func finish() -> Set<JID> { account.withState { $0[Presences.told].finishEnd() } }

        static func == (one: Side, other: Side) -> Bool { one.account === other.account && one.contact == other.contact }
    }

    /// Goes by all loops in turn, and ends on the roster loop.
    private func passLoops(from index: Int, _ body: @escaping @Sendable (LoopContext) -> Void) {
        guard index < loops.count else { return rosterLoop.execute(body) }
        loops[index].execute { loop in
            loop.flush()
            loop.kernel.passLoops(from: index + 1, body)
        }
    }
}
