internal import Logging
package import Storage
package import XMPP

extension Kernel {
    /// Reads what belongs to an account, for a request.
    /// - Throws: what `body` has refused; otherwise an error that tells the client to try again, after a log line.
    package func read<Value: Sendable>(
        of account: JID, _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws(StanzaError) -> Value {
        do throws(StorageError) { return try await database.read(body) } catch { throw refusal(of: error, account) }
    }

    /// Writes what belongs to an account, for a request; it is on disk on return.
    /// - Throws: as `read(of:_:)`.
    @discardableResult
    package func write<Value: Sendable>(
        of account: JID, _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws(StanzaError) -> Value {
        do throws(StorageError) { return try await database.write(body) } catch { throw refusal(of: error, account) }
    }

    /// What is answered when storage fails; the reason goes to the log only.
    package func refusal(of error: any Error, _ account: JID) -> StanzaError {
        if case .thrown(let refusal as StanzaError) = error as? StorageError { return refusal }
        logger.error(
            "What belongs to an account cannot be read or written.",
            metadata: [LogKeys.jid: "\(account)", LogKeys.reason: "\(error)"])
        switch error as? StorageError {
        case .full, .overloaded, .busy: return StanzaError(.resourceConstraint)
        default: return StanzaError(.internalServerError, kind: .wait)
        }
    }
}
