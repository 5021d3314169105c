/// A form of typed fields (XEP-0004), as much of it as the server itself writes.
package struct DataForm: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case form, submit, cancel, result
    }

    package struct Field: Sendable, Equatable {
        package var name: String
        /// The field's type, such as `text-single`; nil leaves it out.
        package var type: String?
        package var label: String?
        package var values: [String]
        /// What can be chosen from, in a list.
        package var options: [String] = []
        /// What people are shown for some of the options.
        package var labels: [String: String] = [:]
        /// The field is an integer, and this the least (XEP-0122 §3.2.2); nil for other fields.
        package var minimum: Int?
        package var isRequired = false

        package init(_ name: String, type: String? = nil, label: String? = nil, _ values: String...) {
            self.init(name, type: type, label: label, values: values)
        }

        package init(_ name: String, type: String? = nil, label: String? = nil, values: [String]) {
            self.name = name
            self.type = type
            self.label = label
            self.values = values
        }
    }

    package var kind: Kind
    package var fields: [Field]

    /// - Parameter formType: the value of the hidden field `FORM_TYPE` (XEP-0068).
    package init(_ kind: Kind, formType: String, _ fields: [Field]) {
        self.kind = kind
        self.fields = [Field("FORM_TYPE", type: "hidden", formType)] + fields
    }

    package func write(into writer: inout XMLWriter) {
        writer.element("x", in: .dataForms, ["type": kind.rawValue]) { writer in
            for field in fields {
                writer.element("field", ["var": field.name, "type": field.type, "label": field.label]) { writer in
                    if let minimum = field.minimum {
                        writer.element("validate", in: .dataFormValidation, ["datatype": "xs:integer"]) {
                            $0.element("range", ["min": "\(minimum)"])
                        }
                    }
                    if field.isRequired { writer.element("required") }
                    for value in field.values { writer.element("value", text: value) }
                    for option in field.options {
                        writer.element("option", ["label": field.labels[option]]) { $0.element("value", text: option) }
                    }
                }
            }
        }
    }
}

extension DataForm {
    /// Writes a form with several results (XEP-0004 §3.4).
    /// - Parameter rows: a value for each column; nil leaves the field out.
    package static func writeTable(
        formType: String, _ columns: [String], _ rows: [[String?]], into writer: inout XMLWriter
    ) {
        writer.element("x", in: .dataForms, ["type": Kind.result.rawValue]) { writer in
            writer.element("field", ["var": "FORM_TYPE", "type": "hidden"]) { $0.element("value", text: formType) }
            writer.element("reported") { writer in
                for column in columns { writer.element("field", ["var": column]) }
            }
            for row in rows {
                writer.element("item") { writer in
                    for (column, value) in zip(columns, row) {
                        guard let value else { continue }
                        writer.element("field", ["var": column]) { $0.element("value", text: value) }
                    }
                }
            }
        }
    }
}

extension Namespace {
    /// XEP-0004
    package static let dataForms: Namespace = "jabber:x:data"
    /// XEP-0122
    package static let dataFormValidation: Namespace = "http://jabber.org/protocol/xdata-validate"
}
