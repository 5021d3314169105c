/// Something that waits for a connection: a body to run in a transaction and a completion to be told.
///
/// `run` and then `finish` are called once each, one after the other, on the connection's queue; a unit that was
/// refused is only finished, on the thread that submitted it.
protocol Unit: AnyObject, Sendable {
    /// Runs the body and keeps its result. Returns the error with which it ended.
    func run(_ transaction: Transaction) -> StorageError?
    /// Calls the completion: with `error` if there is one (the transaction failed), else with the result kept.
    func finish(_ error: StorageError?)
}

/// A unit whose body gives a value.
///
/// `@unchecked Sendable`: `result` is touched by `run` and `finish` alone, which follow each other on one queue.
final class ValueUnit<Value: Sendable>: Unit, @unchecked Sendable {
    private let body: @Sendable (Transaction) throws -> Value
    private let completion: @Sendable (Result<Value, StorageError>) -> Void
    private var result: Result<Value, StorageError>?

    init(
        body: @escaping @Sendable (Transaction) throws -> Value,
        completion: @escaping @Sendable (Result<Value, StorageError>) -> Void
    ) {
        self.body = body
        self.completion = completion
    }

    func run(_ transaction: Transaction) -> StorageError? {
        do {
            result = .success(try body(transaction))
            return nil
        } catch {
            let error = error as? StorageError ?? .thrown(error)
            result = .failure(error)
            return error
        }
    }

    func finish(_ error: StorageError?) {
        // A unit that failed by itself keeps its own reason.
        if case .failure(let own)? = result {
            completion(.failure(own))
        } else {
            completion(error.map { .failure($0) } ?? result ?? .failure(.closed))
        }
    }
}
