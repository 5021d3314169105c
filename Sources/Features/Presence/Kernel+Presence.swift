internal import NIOCore
internal import Server
internal import XMPP

extension Kernel {
    /// Sends the presence of all available resources. Each is sent from its own loop, as its broadcasts are, so that
    /// none overtakes a newer one.
    func sendPresence(of account: Account, to contact: JID, on loop: LoopContext) {
        let loops = account.withState { state in
            // It is on its way then, should the subscription end at once.
            state[Presences.told].tell()
            return Set(state.sessions.filter(\.isAvailable).map(\.handle.loop))
        }
        if !loops.subtracting([loop.index]).isEmpty { loop.flush() }
        for index in loops {
            let send: @Sendable (LoopContext) -> Void = { loop in
                let available = account.withState { state in
                    guard state.roster[contact]?.subscription.from == true else { return [BoundSession]() }
                    return state.sessions.filter { $0.handle.loop == index && $0.isAvailable }
                }
                for session in available { loop.kernel.send(Stanza(presenceOf: session, to: contact), on: loop) }
            }
            if index == loop.index { send(loop) } else { self.loops[index].execute(send) }
        }
    }
}
