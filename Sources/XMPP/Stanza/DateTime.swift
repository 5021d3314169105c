package import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// A point in time as XMPP writes it: UTC, to the millisecond (XEP-0082 §3.2).
package struct DateTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Milliseconds since the beginning of 1970, UTC.
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The machine's clock.
    package static var now: DateTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return DateTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static func < (left: DateTime, right: DateTime) -> Bool { left.milliseconds < right.milliseconds }

    /// `2002-09-10T23:08:25.123Z`
    package var description: String {
        let milliseconds = milliseconds - seconds * 1_000
        return "\(date)T\(time).\(padded(Int(milliseconds), 3))Z"
    }

    /// `2002-09-10T23:08:25Z`
    package var withoutFraction: String { "\(date)T\(time)Z" }

    private var seconds: Int64 { milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000 }

    private var parts: tm {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return parts
    }

    private var date: String {
        let parts = parts
        return "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
    }

    private var time: String {
        let parts = parts
        return "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Writes `description` without making a String of it.
    package func write(into buffer: inout ByteBuffer) {
        let parts = parts
        let milliseconds = milliseconds - seconds * 1_000
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 32) { target in
            var end = 0
            func write(_ number: Int, _ width: Int, _ behind: Unicode.Scalar) {
                var number = number
                for place in (end..<end + width).reversed() {
                    target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10)
                    number /= 10
                }
                target[end + width] = UInt8(ascii: behind)
                end += width + 1
            }
            write(Int(parts.tm_year) + 1900, 4, "-")
            write(Int(parts.tm_mon) + 1, 2, "-")
            write(Int(parts.tm_mday), 2, "T")
            write(Int(parts.tm_hour), 2, ":")
            write(Int(parts.tm_min), 2, ":")
            write(Int(parts.tm_sec), 2, ".")
            write(Int(milliseconds), 3, "Z")
            return end
        }
    }
}
