internal import Logging
package import Server
package import Storage
package import XMPP

/// XEP-0377: who blocks an address may say why, and the administrators are told.
package struct AbuseReports: Feature {
    package static let xeps = [377]
    package static let settings = [AnySetting(kept), AnySetting(perDay)]
    package static let migrations = AbuseReportStore.migrations

    static let kept = Setting(
        "reports.kept", default: 10_000, in: 100...1_000_000,
        "How many reports of spam and abuse are kept; with one more, the oldest is forgotten.")

    static let perDay = Setting(
        "reports.per-day", default: 50, in: 1...10_000,
        "How many reports of one account count in a day; with further ones an address is only blocked.")

    private unowned let kernel: Kernel
    private let kept: Int
    private let perDay: Int

    package init(kernel: Kernel) {
        self.kernel = kernel
        kept = kernel.configuration[Self.kept]
        perDay = kernel.configuration[Self.perDay]
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise(.reporting, on: .server),
            Registration.addressesBlocked { account, request in
                let reports = AbuseReport.all(in: request)
                if !reports.isEmpty { await received(reports, by: account) }
            },
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try AbuseReportStore.remove(account, transaction)
    }

    private func received(_ reports: [AbuseReport], by reporter: JID) async {
        let now = kernel.clock.date
        let counted: [AbuseReport]
        do {
            counted = try await kernel.database.write { [kept, perDay] transaction in
                let day = DateTime(milliseconds: now.milliseconds - 86_400_000)
                let before = try AbuseReportStore.count(by: reporter, since: day, transaction)
                let counted = Array(reports.prefix(max(0, perDay - before)))
                for report in counted {
                    try AbuseReportStore.add(report, by: reporter, at: now, keeping: kept, transaction)
                }
                return counted
            }
        } catch {
            // The address is blocked, which is what the user is answered.
            return kernel.logger.error(
                "A report cannot be written.", metadata: [LogKeys.jid: "\(reporter)", LogKeys.reason: "\(error)"])
        }
        let administrators = await kernel.administrators(of: reporter.domainJID)
        for report in counted {
            kernel.logger.notice(
                "An address was reported.",
                metadata: [
                    LogKeys.account: "\(reporter)", LogKeys.jid: "\(report.reported)", LogKeys.reason: "\(report.reason)",
                ])
            for administrator in administrators { tell(administrator, report, reporter) }
        }
    }

    /// As a message that waits for whoever is not there.
    private func tell(_ administrator: JID, _ report: AbuseReport, _ reporter: JID) {
        kernel.loops[0].execute { loop in
            let message = Stanza(.message, type: .normal, from: reporter.domainJID, to: administrator) { writer in
                writer.element("subject", text: "Report of \(report.reported)")
                writer.element("body", text: report.sentence(by: reporter))
            }
            loop.kernel.send(message, on: loop)
        }
    }
}
