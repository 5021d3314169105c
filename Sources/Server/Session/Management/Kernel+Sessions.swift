internal import NIOCore
internal import Synchronization

extension Kernel {
    /// Does something with a session on its loop, wherever it has moved to meanwhile; without it if it has ended.
    package func find(_ handle: SessionHandle, _ body: @escaping @Sendable (Session?, LoopContext) -> Void) {
        loops[handle.loop].execute { loop in
            if let session = loop.session(handle) {
                body(session, loop)
            } else if let other = loop.whereabouts(of: handle.id) {
                self.find(SessionHandle(id: handle.id, jid: handle.jid, loop: other), body)
            } else {
                body(nil, loop)
            }
        }
    }

    /// Takes a session from its connection, and brings it to the loop of another.
    ///
    /// Who sends to the session meanwhile keeps the order: what was sent to its former loop is there before it leaves,
    /// and what is sent to its new loop waits for it there.
    /// - Parameter completion: called on the new loop, without the session if it has ended.
    func take(
        _ handle: SessionHandle, to loop: LoopContext, completion: @escaping @Sendable (Session?, LoopContext) -> Void
    ) {
        let target = loop.index
        loop.expect(handle.id)
        find(handle) { session, loop in
            guard let session else { return self.arrive(nil, handle.id, at: target, completion) }
            session.leaveConnection()
            guard loop.index != target else {
                loop.arrived(handle.id, session)
                return completion(session, loop)
            }
            let moved = SessionHandle(id: handle.id, jid: session.jid, loop: target)
            // From now on everybody sends to the new loop.
            session.account.withState { state in state.updateSession(handle.id) { $0.handle = moved } }
            self.flushAll(before: loop.index) { loop in
                guard let session = loop.session(moved) else { return self.arrive(nil, handle.id, at: target, completion) }
                loop.leave(session, for: target)
                session.formerLoops.insert(loop.index)
                session.handle = moved
                self.arrive(Luggage(session), handle.id, at: target, completion)
            }
        }
    }

    private func arrive(
        _ luggage: Luggage?, _ id: UInt64, at target: Int, _ completion: @escaping @Sendable (Session?, LoopContext) -> Void
    ) {
        loops[target].execute { loop in
            luggage?.session.loop = loop
            luggage?.session.formerLoops.remove(loop.index)
            loop.arrived(id, luggage?.session)
            completion(luggage?.session, loop)
        }
    }

    /// Lets every loop hand over what it has for the others, and then goes on at one of them.
    private func flushAll(before index: Int, _ body: @escaping @Sendable (LoopContext) -> Void) {
        let countdown = Countdown(loops.count)
        for loop in loops {
            loop.execute { context in
                context.flush()
                self.loops[index].execute { if countdown.isLast { body($0) } }
            }
        }
    }
}

private final class Countdown: Sendable {
    private let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }
    /// True for the last who asks.
    var isLast: Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}

/// A session on its way between loops.
///
/// `@unchecked Sendable`: the loop that it has left does not touch it any more when the other one does.
private struct Luggage: @unchecked Sendable {
    let session: Session
    init(_ session: Session) { self.session = session }
}
