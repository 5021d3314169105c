internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import TLS

/// The threads on which passwords are hashed, one instance for the whole process.
///
/// A hash takes milliseconds of a core. All cores but one do it at most, and what waits is bounded: when everybody
/// comes back at once, log-ins are slowed and then put off, and the event loops keep their share.
package final class PasswordHashing: Sendable {
    /// Why a password was not hashed.
    package enum Refusal: Error, Sendable, CustomStringConvertible {
        case overloaded, late

        package var description: String {
            switch self {
            case .overloaded: "too many passwords wait to be checked"
            case .late: "the password could not be checked in time"
            }
        }
    }

    package let threads: Int
    private let capacity: Int
    private let pool: NIOThreadPool
    private let waiting = Atomic<Int>(0)
    private let iterations = Atomic<Int>(0)

    /// - Parameters:
    ///   - threads: a command that does nothing else may take all cores.
    ///   - capacity: hashes that may wait or run.
    package init(threads: Int = max(1, System.coreCount - 1), capacity: Int = 1_000) {
        self.threads = threads
        self.capacity = capacity
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// PBKDF2 iterations since the start: the work done, for metrics.
    package var iterationsDone: Int { iterations.load(ordering: .relaxed) }

    /// PBKDF2 of a prepared password, not begun any more after `deadline`.
    func saltedPassword(
        _ password: [UInt8], salt: [UInt8], iterations count: Int, hash: Hash,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(Refusal) -> [UInt8] {
        guard waiting.add(1, ordering: .relaxed).newValue <= capacity else {
            waiting.subtract(1, ordering: .relaxed)
            throw .overloaded
        }
        defer { waiting.subtract(1, ordering: .relaxed) }
        let result: Result<[UInt8], Refusal> = await withCheckedContinuation { continuation in
            pool.submit { [self] state in
                guard case .active = state else { return continuation.resume(returning: .failure(.overloaded)) }
                if let deadline, deadline <= .now { return continuation.resume(returning: .failure(.late)) }
                iterations.add(count, ordering: .relaxed)
                continuation.resume(
                    returning: .success(hash.pbkdf2(password: password, salt: salt, iterations: count)))
            }
        }
        return try result.get()
    }

    /// Finishes what runs and ends the threads; what waits is refused.
    package func shutdown() async {
        try? await pool.shutdownGracefully()
    }
}
