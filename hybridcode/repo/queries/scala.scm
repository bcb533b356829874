; Definitions

(object_definition name: (_) @name) @definition.class
(class_definition name: (_) @name) @definition.class
(trait_definition name: (_) @name) @definition.interface
(enum_definition name: (_) @name) @definition.enum
(function_definition name: (_) @name) @definition.function
(function_declaration name: (_) @name) @definition.prototype
(given_definition name: (_) @name) @definition.constant
(type_definition name: (_) @name) @definition.type
(package_object name: (_) @name) @definition.module
(package_clause name: (_) @name body: (_)) @definition.module
(compilation_unit (val_definition pattern: (identifier) @name) @definition.constant)
(compilation_unit (var_definition pattern: (identifier) @name) @definition.constant)
(template_body (val_definition pattern: (identifier) @name) @definition.constant)
(template_body (var_definition pattern: (identifier) @name) @definition.constant)
(with_template_body (val_definition pattern: (identifier) @name) @definition.constant)
(val_declaration name: (identifier) @name) @definition.constant
(var_declaration name: (identifier) @name) @definition.constant

(lambda_expression) @local

; References

(call_expression function: [
  (identifier) @reference.call
  (field_expression field: (identifier) @reference.call)
  (generic_function function: [(identifier) @reference.call (field_expression field: (identifier) @reference.call)])
])
(infix_expression operator: (identifier) @reference.call)
((field_expression value: (identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
(type_identifier) @reference.type
(import_declaration path: (identifier) @reference.import .)
(namespace_selectors (identifier) @reference.import)
(arrow_renamed_identifier name: (identifier) @reference.import)

; Imports

(import_declaration) @import
