internal import Glibc
package import Server
package import XMPP

/// XEP-0202: tells the server's time and time zone.
package struct EntityTime: Feature {
    package static let xeps = [202]

    private unowned let kernel: Kernel

    package init(kernel: Kernel) {
        self.kernel = kernel
    }

    package var registrations: [[Registration]] {
        [
            Registration.iq(.get, "time", in: .entityTime, on: .server, .inline { _, _, _, writer in
                let now = kernel.clock.date
                writer.element("time", in: .entityTime) { writer in
                    writer.element("tzo", text: Self.zone(secondsEast: Self.secondsEast(at: now)))
                    writer.element("utc", text: now.withoutFraction)
                }
            })
        ]
    }

    /// The machine's distance from UTC, which summer time changes.
    private static func secondsEast(at time: DateTime) -> Int {
        var seconds = time_t(time.milliseconds / 1_000)
        var parts = tm()
        return localtime_r(&seconds, &parts) == nil ? 0 : parts.tm_gmtoff
    }

    /// A time zone as XEP-0082 §3.3 writes it: `Z`, `+02:00`, `-03:30`.
    static func zone(secondsEast: Int) -> String {
        let minutes = abs(secondsEast) / 60
        guard minutes > 0 else { return "Z" }
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(secondsEast < 0 ? "-" : "+")\(padded(minutes / 60)):\(padded(minutes % 60))"
    }
}

extension Namespace {
    package static let entityTime: Namespace = "urn:xmpp:time"
}
