internal import Server
internal import XMPP

/// The rooms that each session is in, as the rooms say. Nobody is in a room with a session that has ended.
enum JoinedRooms {
    /// By session.
    private static let rooms = AccountSlot<[UInt64: Set<JID>]>([:])

    /// A device has entered a room.
    /// - Returns: false if it should have a session and has none.
    static func entered(_ room: JID, _ device: JID, _ kernel: Kernel) -> Bool {
        guard kernel.serves(domainOf: device) else { return true }
        guard let account = kernel.accounts[device.bare] else { return false }
        return account.withState { state in
            // In one step: a session that ends afterwards finds the room among its own.
            guard let session = state.session(at: device) else { return false }
            state[rooms][session.handle.id, default: []].insert(room)
            return true
        }
    }

    static func left(_ room: JID, _ device: JID, _ kernel: Kernel) {
        kernel.accounts[device.bare]?.withState { state in
            guard let id = state.session(at: device)?.handle.id, var joined = state[rooms][id] else { return }
            joined.remove(room)
            state[rooms][id] = joined.isEmpty ? nil : joined
        }
    }

    static func contains(_ room: JID, _ device: JID, _ account: Account) -> Bool {
        account.withState { state in
            state.session(at: device).flatMap { state[rooms][$0.handle.id] }?.contains(room) ?? false
        }
    }

    /// A session is over.
    /// - Returns: the rooms that it was in.
    static func end(_ session: SessionHandle, in state: inout AccountState) -> Set<JID> {
        state[rooms].removeValue(forKey: session.id) ?? []
    }

    /// Whether a device's session goes on after an orderly restart of the server.
    static func isKept(_ device: JID, _ kernel: Kernel) -> Bool {
        kernel.accounts[device.bare]?.withState { $0.session(at: device)?.isResumable } ?? false
    }
}

extension AccountState {
    /// The session that is bound to a full address.
    fileprivate func session(at device: JID) -> BoundSession? { sessions.first { $0.handle.jid == device } }
}
