; Definitions. The first pattern that names a place rules its kind.

(class_declaration declaration_kind: "extension" name: (_) @type) @definition.impl
(class_declaration declaration_kind: "enum" name: (_) @name) @definition.enum
(class_declaration name: (type_identifier) @name) @definition.class
(protocol_declaration name: (_) @name) @definition.interface
(function_declaration name: (simple_identifier) @name) @definition.function
(init_declaration name: _ @name) @definition.function
(deinit_declaration "deinit" @name) @definition.function
(subscript_declaration "subscript" @name) @definition.function
(protocol_function_declaration name: (simple_identifier) @name) @definition.prototype
(protocol_property_declaration name: (pattern (simple_identifier) @name)) @definition.constant
(typealias_declaration name: (type_identifier) @name) @definition.type
(associatedtype_declaration name: (type_identifier) @name) @definition.type
(source_file (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.constant)
(class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.constant)
(enum_class_body
  (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.constant)

(lambda_literal) @local

; References

(call_expression . [
  (simple_identifier) @reference.call
  (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @reference.call))
])
((navigation_expression target: (simple_identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
(type_identifier) @reference.type

; Imports

(import_declaration (identifier) @import)
