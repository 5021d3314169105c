/// The initialization of OpenSSL for this process.

import COpenSSL

enum OpenSSLLibrary {
    private static let initialized = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)

    /// To be called before anything else of OpenSSL: otherwise it would tear itself down inside `exit` while event
    /// loops still use it.
    static func prepare() {
        _ = initialized
    }
}
