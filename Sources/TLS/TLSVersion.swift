/// A version of TLS that this server speaks: 1.2 (RFC 5246) or 1.3 (RFC 8446).

import COpenSSL

package enum TLSVersion: Comparable, Sendable, CustomStringConvertible {
    case tls12
    case tls13

    init?(code: CInt) {
        switch code {
        case TLS1_2_VERSION: self = .tls12
        case TLS1_3_VERSION: self = .tls13
        default: return nil
        }
    }

    var code: CInt {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }

    package var description: String {
        switch self {
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}
