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
        let sides = [(user, contact), (contact, user)].compactMap { Side(accounts[$0.bare], of: $1.bare) }
        passLoops(from: 1) { loop in
            let subscribed = sides.filter(\.isSubscribed)
            let available = subscribed.map(\.told.available)
            change(loop)
            let overtaken = zip(subscribed, available).filter { side, _ in
                side.told.count != side.count && !side.isSubscribed
            }
            if overtaken.isEmpty { return }
            // Somebody's presence has changed meanwhile, and may be on its way still: its end is told once more.
            self.passLoops(from: 1) { loop in
                for (side, available) in overtaken where !side.isSubscribed {
                    for resource in Set(available).union(side.told.available) {
                        self.send(
                            Stanza(.presence, type: .unavailable, from: resource.jid, to: side.contact), on: loop)
                    }
                }
            }
        }
    }

    /// One direction of a subscription.
    private struct Side {
        let account: Account
        let contact: JID
        /// How often subscribers had been told something at the beginning.
        let count: Int

        var told: Presences.Told { account.withState { $0[Presences.told] } }
        var isSubscribed: Bool { account.isSubscribed(by: contact) }

        init?(_ account: Account?, of contact: JID) {
            guard let account else { return nil }
            self.account = account
            self.contact = contact
            count = account.withState { $0[Presences.told].count }
        }
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
