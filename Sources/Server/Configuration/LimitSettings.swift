/// The limits of the kernel: what one address, one stream and one stanza may cost the server.
package enum LimitSettings {
    /// Every limit, in the order of the reference configuration.
    package static let all: [AnySetting] = [
        AnySetting(exempt), AnySetting(connectionsPerAddress), AnySetting(connectionsPerMinute), AnySetting(failedLoginsPerMinute),
        AnySetting(loginTime), AnySetting(loginAttempts), AnySetting(bindAttempts), AnySetting(pendingHandshakes), AnySetting(keepalive),
        AnySetting(stanzaSizeBeforeLogin), AnySetting(stanzaSize), AnySetting(depth), AnySetting(attributes),
        AnySetting(unknownNames), AnySetting(bytesPerSecond), AnySetting(bytesBurst), AnySetting(stanzasPerSecond),
        AnySetting(stanzasBurst), AnySetting(componentStanzaSize), AnySetting(componentBytesPerSecond),
        AnySetting(componentBytesBurst), AnySetting(componentStanzasPerSecond), AnySetting(componentStanzasBurst),
    ]

    package static let exempt = Setting(
        "limits.exempt", default: .loopback, reload: true,
        "Addresses and networks to which the limits per address do not apply.")

    package static let connectionsPerAddress = Setting(
        "limits.connections-per-address", default: 100, in: 1...1_000_000, reload: true,
        """
        How many connections one address may have at the same time; one more is closed at once. Raise it if many \
        people share an address.
        """)

    package static let connectionsPerMinute = Setting(
        "limits.connections-per-minute", default: 600, in: 1...1_000_000, reload: true,
        "How often one address may connect in a minute; further connections are closed at once until the minute is over.")

    package static let failedLoginsPerMinute = Setting(
        "limits.failed-logins-per-minute", default: 20, in: 1...1_000_000, reload: true,
        "How many log-ins from one address may fail in a minute; further ones are refused unchecked until time has passed."
    )

    package static let loginTime = Setting(
        "limits.login-time", default: .seconds(30), in: .seconds(1)...(.seconds(600)), reload: true,
        "How long a connection may take to log in before it is closed.")

    // RFC 6120, section 6.4.5: at least two retries and at most five.
    package static let loginAttempts = Setting(
        "limits.login-attempts", default: 5, in: 3...6, reload: true,
        "How often a client may try to log in on one connection before it is closed.")

    // RFC 6120, section 7.7.3: at least five retries and at most ten.
    package static let bindAttempts = Setting(
        "limits.bind-attempts", default: 6, in: 6...11, reload: true,
        "How often a client that has logged in may ask for a resource in vain before it is closed.")

    package static let pendingHandshakes = Setting(
        "limits.pending-handshakes", default: 64, in: 1...100_000, reload: true,
        "How many TLS handshakes each thread works on at the same time; further connections wait.")

    package static let keepalive = Setting(
        "limits.keepalive", default: .seconds(300), in: .seconds(10)...(.seconds(86_400)), reload: true,
        "After how much silence the server asks for a sign of life, so that a dead connection is noticed.")

    // RFC 6120, section 13.12: the largest stanza must not be smaller than 10,000 bytes.
    package static let stanzaSizeBeforeLogin = Setting(
        "limits.stanza-size-before-login", default: ByteCount(10_000), in: ByteCount(10_000)...(.mebibytes(1)),
        reload: true,
        "The largest element a client may send before it has logged in.")

    package static let stanzaSize = Setting(
        "limits.stanza-size", default: .kibibytes(256), in: ByteCount(10_000)...(.mebibytes(8)), reload: true,
        "The largest stanza a client may send; a larger one ends its stream.")

    package static let depth = Setting(
        "limits.depth", default: 64, in: 8...200, reload: true,
        "How deep the elements of a stanza may be nested, the stanza itself counted as one.")

    package static let attributes = Setting(
        "limits.attributes", default: 64, in: 16...1_000, reload: true,
        "How many attributes and namespace declarations one element may have.")

    package static let unknownNames = Setting(
        "limits.unknown-names", default: 1_000, in: 100...100_000, reload: true,
        "How many names that the server has not met before one stanza may introduce.")

    package static let bytesPerSecond = Setting(
        "limits.bytes-per-second", default: .kibibytes(128), in: ByteCount(1_000)...(.gibibytes(1)), reload: true,
        "How fast a client may send in the long run; the server reads no faster.")

    package static let bytesBurst = Setting(
        "limits.bytes-burst", default: .mebibytes(1), in: ByteCount(10_000)...(.gibibytes(1)), reload: true,
        "How much a client that was silent may send at once before the rate applies.")

    package static let stanzasPerSecond = Setting(
        "limits.stanzas-per-second", default: 100, in: 1...1_000_000, reload: true,
        "How many stanzas a second a client may send in the long run; the server reads no faster.")

    package static let stanzasBurst = Setting(
        "limits.stanzas-burst", default: 1_000, in: 1...1_000_000, reload: true,
        "How many stanzas a client that was silent may send at once before the rate applies.")

    package static let componentStanzaSize = Setting(
        "limits.component-stanza-size", default: .kibibytes(512), in: ByteCount(10_000)...(.mebibytes(8)), reload: true,
        "The largest stanza an external component may send; a larger one ends its stream.")

    package static let componentBytesPerSecond = Setting(
        "limits.component-bytes-per-second", default: .mebibytes(4), in: ByteCount(1_000)...(.gibibytes(1)), reload: true,
        "How fast an external component may send in the long run; the server reads no faster.")

    package static let componentBytesBurst = Setting(
        "limits.component-bytes-burst", default: .mebibytes(16), in: ByteCount(10_000)...(.gibibytes(1)), reload: true,
        "How much an external component that was silent may send at once before the rate applies.")

    package static let componentStanzasPerSecond = Setting(
        "limits.component-stanzas-per-second", default: 2_000, in: 1...1_000_000, reload: true,
        "How many stanzas a second an external component may send in the long run; the server reads no faster.")

    package static let componentStanzasBurst = Setting(
        "limits.component-stanzas-burst", default: 10_000, in: 1...1_000_000, reload: true,
        "How many stanzas an external component that was silent may send at once before the rate applies.")
}
