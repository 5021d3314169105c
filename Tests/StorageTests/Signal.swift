import Dispatch

/// Something that happens once, for threads to wait for.
final class Signal: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func set() {
        semaphore.signal()
    }

    func wait() {
        semaphore.wait()
        semaphore.signal()
    }
}
