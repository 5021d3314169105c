package import Storage

/// A write that has its place in the order of writes, and is on disk when `value` returns.
package struct PendingWrite: Sendable {
    private let stream: AsyncThrowingStream<Void, any Error>

    fileprivate init(_ stream: AsyncThrowingStream<Void, any Error>) {
        self.stream = stream
    }

    /// Waits until the write is on disk. To be awaited once.
    package var value: Void {
        get async throws {
            for try await _ in stream {}
        }
    }
}

extension Database {
    /// Hands a write over without waiting for it, so that it can be done under a lock.
    package func beginWrite(_ body: @escaping @Sendable (Transaction) throws -> Void) -> PendingWrite {
        let (stream, continuation) = AsyncThrowingStream<Void, any Error>.makeStream()
        write(body) { result in
            switch result {
            case .success: continuation.finish()
            case .failure(let error): continuation.finish(throwing: error)
            }
        }
        return PendingWrite(stream)
    }
}
