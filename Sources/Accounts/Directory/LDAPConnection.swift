import CLDAP
import Glibc
import Synchronization

/// A connection to an LDAP server, on a thread of its own: libldap is called on no other.
///
/// Several searches may be under way at once; a bind must be alone (RFC 4511, section 4.2.1), which is the caller's care.
final class LDAPConnection: Sendable {
    private struct Operation {
        let request: LDAPRequest
        let deadline: ContinuousClock.Instant
        let answer: CheckedContinuation<Result<LDAPAnswer, DirectoryFailure>, Never>
        var entries: [DirectoryEntry] = []

        var sizeLimit: Int {
            switch request {
            case .bind: 0
            case .search(let search): search.sizeLimit
            }
        }
    }

    private struct Inbox {
        var operations: [Operation] = []
        var isClosed = false
    }

    private let inbox = Mutex(Inbox())
    /// Readable when the thread should look into the inbox.
    private let bell: CInt
    let openedAt = ContinuousClock.now

    /// Starts the thread. Takes the descriptor, one end of a socket pair, over.
    init(descriptor: CInt, maximumMessage: Int) throws(DirectoryFailure) {
        bell = CLDAP_eventfd()
        guard bell >= 0 else {
            Glibc.close(descriptor)
            throw DirectoryFailure(.configuration, "no descriptor is left (raise LimitNOFILE)")
        }
        let started = PosixThread.start { self.run(descriptor: descriptor, maximumMessage: maximumMessage) }
        guard started else {
            Glibc.close(descriptor)
            throw DirectoryFailure(.configuration, "no thread can be started")
        }
    }

    deinit { Glibc.close(bell) }

    var isOpen: Bool { inbox.withLock { !$0.isClosed } }

    /// Sends a request and waits for its answer, at most until the deadline. On failure of a bind the connection is of
    /// no more use; an unanswered search is abandoned.
    func perform(_ request: LDAPRequest, by deadline: ContinuousClock.Instant) async throws(DirectoryFailure)
        -> LDAPAnswer
    {
        let outcome = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<LDAPAnswer, DirectoryFailure>, Never>) in
            let accepted = inbox.withLock { inbox in
                guard !inbox.isClosed else { return false }
                inbox.operations.append(Operation(request: request, deadline: deadline, answer: answer))
                return true
            }
            if accepted {
                ring()
            } else {
                answer.resume(returning: .failure(DirectoryFailure(.connectionLost, "the connection is closed")))
            }
        }
        return try outcome.get()
    }

    /// Ends the thread and with it the connection; what is under way fails.
    func close() {
        inbox.withLock { $0.isClosed = true }
        ring()
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(bell, &one, 8)
    }

    // MARK: On the thread

    private func run(descriptor: CInt, maximumMessage: Int) {
        var pending: [Int32: Operation] = [:]
        var end = DirectoryFailure(.connectionLost, "the connection was closed", mayHaveArrived: true)
        do throws(DirectoryFailure) {
            let handle = try LDAPHandle(descriptor: descriptor, maximumMessage: maximumMessage)
            while true {
                let (arrived, isClosed) = inbox.withLock { inbox in
                    defer { inbox.operations = [] }
                    return (inbox.operations, inbox.isClosed)
                }
                for (index, operation) in arrived.enumerated() {
                    guard operation.deadline > .now else {
                        operation.answer.resume(returning: .failure(DirectoryFailure(.timedOut, "no time was left")))
                        continue
                    }
                    do throws(DirectoryFailure) {
                        pending[try handle.send(operation.request)] = operation
                    } catch {
                        operation.answer.resume(returning: .failure(error))
                        guard error.kind == .configuration else {
                            for rest in arrived[(index + 1)...] { rest.answer.resume(returning: .failure(error)) }
                            throw error
                        }
                    }
                }
                guard !isClosed else { break }
                expire(&pending, handle)
                wait(descriptor, until: pending.values.map(\.deadline).min())
                try receive(&pending, handle)
            }
        } catch {
            end = error
        }
        let late = inbox.withLock { inbox in
            defer { inbox.operations = [] }
            inbox.isClosed = true
            return inbox.operations
        }
        // These were never given to libldap.
        for operation in late {
            operation.answer.resume(returning: .failure(DirectoryFailure(.connectionLost, end.reason)))
        }
        end.mayHaveArrived = true
        for operation in pending.values { operation.answer.resume(returning: .failure(end)) }
    }

    /// Sleeps until the server or the bell can be read, or the time has come.
    private func wait(_ descriptor: CInt, until deadline: ContinuousClock.Instant?) {
        var watched = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: bell, events: Int16(POLLIN), revents: 0),
        ]
        var timeout: CInt = -1
        if let deadline {
            let left = max(.zero, ContinuousClock.now.duration(to: deadline))
            timeout = CInt(
                clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
        }
        poll(&watched, 2, timeout)
        if watched[1].revents != 0 {
            var count: UInt64 = 0
            _ = read(bell, &count, 8)
        }
    }

    private func receive(_ pending: inout [Int32: Operation], _ handle: borrowing LDAPHandle) throws(DirectoryFailure) {
        while true {
            switch try handle.receive() {
            case .nothing: return
            case .ignored: continue
            case .entry(let id, let entry):
                guard let operation = pending[id] else { continue }
                guard operation.entries.count < operation.sizeLimit else {
                    throw DirectoryFailure(
                        .refused, "the server sends more entries than were asked for", mayHaveArrived: true)
                }
                pending[id]?.entries.append(entry)
            case .completed(let id, let result):
                guard let operation = pending.removeValue(forKey: id) else { continue }
                operation.answer.resume(returning: .success(LDAPAnswer(entries: operation.entries, result: result)))
            }
        }
    }

    private func expire(_ pending: inout [Int32: Operation], _ handle: borrowing LDAPHandle) {
        let now = ContinuousClock.now
        for (id, operation) in pending where operation.deadline <= now {
            pending[id] = nil
            handle.abandon(id)
            operation.answer.resume(
                returning: .failure(
                    DirectoryFailure(.timedOut, "the server did not answer in time", mayHaveArrived: true)))
        }
    }
}
