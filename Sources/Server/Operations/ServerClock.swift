package import NIOCore
package import XMPP

/// Tells how much time has passed, by the clock of an event loop, and what the date is.
///
/// Where the loop's clock is advanced by hand, so is the server's.
package struct ServerClock: Sendable {
    private let loop: any EventLoop
    private let start: (deadline: NIODeadline, instant: ContinuousClock.Instant)
    private let wall: @Sendable () -> DateTime

    /// - Parameter wall: tells the date.
    init(_ loop: any EventLoop, wall: @escaping @Sendable () -> DateTime) {
        self.loop = loop
        self.wall = wall
        start = (loop.now, .now)
    }

    /// What the event loops call now; from any thread.
    package var now: NIODeadline { loop.now }

    /// The same for those that reckon in instants.
    package var instant: ContinuousClock.Instant {
        start.instant + .nanoseconds((loop.now - start.deadline).nanoseconds)
    }

    /// The date and the time of day, which may be set back and forth while time passes.
    package var date: DateTime { wall() }
}
