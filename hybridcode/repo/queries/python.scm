; Definitions. The first pattern that names a place rules its kind.

(function_definition name: (identifier) @name) @definition.function
(class_definition name: (identifier) @name) @definition.class
(decorated_definition definition: (_) @of) @extent
(type_alias_statement left: (type [(identifier) @name (generic_type . (identifier) @name)])) @definition.type

(module (expression_statement (assignment left: (identifier) @name) @definition.constant))
(module (if_statement (block (expression_statement (assignment left: (identifier) @name) @definition.constant))))
(module (try_statement (block (expression_statement (assignment left: (identifier) @name) @definition.constant))))
(ERROR (expression_statement (assignment left: (identifier) @name) @definition.constant))
(class_definition
  body: (block (expression_statement (assignment left: (identifier) @name) @definition.constant)))

; References

(call function: [(identifier) @reference.call (attribute attribute: (identifier) @reference.call)])
(class_definition
  superclasses: (argument_list [
    (identifier) @reference.base
    (attribute attribute: (identifier) @reference.base)
    (subscript value: [(identifier) @reference.base (attribute attribute: (identifier) @reference.base)])
    (keyword_argument value: (identifier) @reference.base)
  ]))
(decorator [(identifier) @reference.decorator (attribute attribute: (identifier) @reference.decorator)])
(type [(identifier) @reference.type (attribute attribute: (identifier) @reference.type)])
(generic_type . (identifier) @reference.type)
(type (subscript value: [(identifier) @reference.type (attribute attribute: (identifier) @reference.type)]))
(type (binary_operator [(identifier) @reference.type (attribute attribute: (identifier) @reference.type)]))
(raise_statement . [(identifier) @reference.type (attribute attribute: (identifier) @reference.type)])
(except_clause value: [
  (identifier) @reference.type
  (attribute attribute: (identifier) @reference.type)
  (tuple [(identifier) @reference.type (attribute attribute: (identifier) @reference.type)])
  (as_pattern . [
    (identifier) @reference.type
    (attribute attribute: (identifier) @reference.type)
    (tuple [(identifier) @reference.type (attribute attribute: (identifier) @reference.type)])
  ])
])
(import_from_statement name: [
  (dotted_name (identifier) @reference.import .)
  (aliased_import name: (dotted_name (identifier) @reference.import .))
])

; Imports

(import_statement name: [(dotted_name) @import (aliased_import name: (dotted_name) @import)])
(import_from_statement module_name: (_) @import)
