; Definitions

(class_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(enum_declaration name: (identifier) @name) @definition.enum
(interface_declaration name: (identifier) @name) @definition.interface
(annotation_type_declaration name: (identifier) @name) @definition.interface
(method_declaration name: (identifier) @name) @definition.function
(constructor_declaration name: (identifier) @name) @definition.function
(compact_constructor_declaration name: (identifier) @name) @definition.function
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.constant
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.constant

; References

(method_invocation name: (identifier) @reference.call)
((method_invocation object: (identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
((field_access object: (identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
((method_reference . (identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
(method_reference (identifier) @reference.call .)
(type_identifier) @reference.type
(marker_annotation name: [(identifier) @reference.decorator (scoped_identifier name: (_) @reference.decorator)])
(annotation name: [(identifier) @reference.decorator (scoped_identifier name: (_) @reference.decorator)])
(import_declaration (scoped_identifier name: (identifier) @reference.import) .)

; Imports

(import_declaration [(scoped_identifier) (identifier)] @import)
