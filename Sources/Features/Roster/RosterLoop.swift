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

    /// Does something that ends a subscription, on the roster loop, when what the accounts have broadcast has left
    /// their sessions' loops. Else a presence on its way could arrive after the end, and be believed for ever.
    /// - Parameter loop: the roster loop, where this is called.
    func changeRosters(
        whenQuiet accounts: [JID], on loop: LoopContext, attempts: Int = 5,
        _ change: @escaping @Sendable (LoopContext) -> Void
    ) {
        if loops.count == 1 { return change(loop) }
        let accounts = accounts.compactMap { self.accounts[$0.bare] }
        let before = accounts.map { $0.withState { $0[Presences.changes] } }
        passLoops(from: 1) { loop in
            let isQuiet = accounts.map { $0.withState { $0[Presences.changes] } } == before
            if isQuiet || attempts == 0 { return change(loop) }
            self.changeRosters(whenQuiet: accounts.map(\.jid), on: loop, attempts: attempts - 1, change)
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
