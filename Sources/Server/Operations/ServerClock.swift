package import NIOCore

/// Tells how much time has passed, by the clock of an event loop: where the loop's clock is advanced, the server's is.
///
/// Of no use for dates.
package struct ServerClock: Sendable {
    private let loop: any EventLoop
    private let start: (deadline: NIODeadline, instant: ContinuousClock.Instant)

    init(_ loop: any EventLoop) {
        self.loop = loop
        start = (loop.now, .now)
    }

    /// What the event loops call now; from any thread.
    package var now: NIODeadline { loop.now }

    /// The same for those that reckon in instants.
    package var instant: ContinuousClock.Instant {
        start.instant + .nanoseconds((loop.now - start.deadline).nanoseconds)
    }
}
