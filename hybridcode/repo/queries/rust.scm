; Definitions

(function_item name: (identifier) @name) @definition.function
(function_signature_item name: (identifier) @name) @definition.prototype
(struct_item name: (type_identifier) @name) @definition.class
(union_item name: (type_identifier) @name) @definition.class
(enum_item name: (type_identifier) @name) @definition.enum
(trait_item name: (type_identifier) @name) @definition.interface
(impl_item type: (_) @type) @definition.impl
(mod_item name: (identifier) @name body: (_)) @definition.module
(const_item name: (identifier) @name) @definition.constant
(static_item name: (identifier) @name) @definition.constant
(type_item name: (type_identifier) @name) @definition.type
(macro_definition name: (identifier) @name) @definition.macro

(attribute_item) @leading
(closure_expression) @local

; References

(call_expression function: [
  (identifier) @reference.call
  (field_expression field: (field_identifier) @reference.call)
  (generic_function function: [
    (identifier) @reference.call
    (field_expression field: (field_identifier) @reference.call)
  ])
])
(macro_invocation macro: (identifier) @reference.call)
(scoped_identifier path: (identifier) @reference.type)
(scoped_identifier name: (identifier) @reference.name)
(type_identifier) @reference.type
(use_list (identifier) @reference.import)
(use_as_clause path: (identifier) @reference.import)
(attribute (identifier) @reference.decorator)

; Imports

(use_declaration argument: (_) @import)
(extern_crate_declaration name: (identifier) @import)
(mod_item name: (identifier) @import !body)
